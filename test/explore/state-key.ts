import { type State, type StreamRecord, TICK_MS } from "./world.js";

/**
 * One text for all states that behave alike: keys go by where they stand first, times by which of them are equal, makings by which of
 * them is the present one.
 */
export function keyOf(state: State): string {
  const { count, audit, backup, made, records, entries, recent } = state;
  const order = keysInOrder(state);
  const rank: number[] = [];
  for (const [place, key] of order.entries()) rank[key] = place;
  const times: number[] = [0];
  const tick = Math.floor(state.clock / TICK_MS);
  const timeOf = (time: number): string => {
    if (time === 0) return "0";
    const known = times.indexOf(time);
    const age = tick - Math.floor(time / TICK_MS);
    return `${known >= 0 ? known : times.push(time) - 1}a${age}`;
  };
  const told = (record: StreamRecord | undefined): string =>
    record === undefined
      ? "-"
      : `${record.seq}${kindOf(record)}${rank[record.key]}t${timeOf(record.time)}`;
  const bits = (keys: number): string => order.map((key) => (keys >> key) & 1).join("");
  let text = `${state.last} ${records.map(told).join()} `;
  if (backup !== undefined) text += `${backup.last}:${backup.records.map(told).join()}`;
  text += ` ${order.map((key) => told(entries[key])).join()} ${state.cursor},${timeOf(state.cursorTime)}`;
  text += flags(state.isNarrow, state.isOwnerNarrow);
  // Keys are not alike where one of them is not followed.
  if (state.isNarrow || state.isOwnerNarrow) text += rank[entries.length - 1];
  text += flags(state.owner === made, state.watched === made, state.isLost, state.isForeign);
  text += `${flags(state.isExact, state.isDistrusted)}${state.phase} ${state.frontier}${told(recent)}`;
  text += ` ${bits(state.marks)}${bits(state.expired)}${order.map((key) => told(state.removed[key])).join()}`;
  text += ` ${timeOf(state.levelAt)},${entries.map((entry) => (entry !== undefined && entry.time < state.madeAt ? 1 : 0)).join("")}`;
  if (count !== undefined) {
    text += `${count.known.sure},${count.known.unsure},${count.answer?.records},${count.answer?.end}`;
    text += flags(count.known.isExact, count.isOld);
  }
  if (audit !== undefined) {
    const { listed, end, touched, live, left, found, isOld } = audit;
    text += ` ${order.map((key) => told(listed[key])).join()},${end},${bits(touched)}${bits(live)}${bits(left)}`;
    if (found !== undefined) {
      text += order
        .map((key) => (found[key] === undefined ? "_" : told(found[key]?.record)))
        .join();
    }
    text += flags(isOld);
  }
  return `${text} ${tick} ${state.appends},${state.losses},${state.faults}`;
}

function kindOf({ isPut, isMortal, isExpiry }: StreamRecord): string {
  return `${isPut ? "p" : "d"}${isMortal ? "m" : ""}${isExpiry ? "x" : ""}`;
}

function flags(...set: readonly boolean[]): string {
  return set.map(Number).join("");
}

function keysInOrder({ records, backup, entries, recent }: State): number[] {
  const held = entries.filter((entry) => entry !== undefined);
  held.sort((a, b) => a.seq - b.seq);
  const known = [...records, ...(backup?.records ?? []), ...held];
  if (recent !== undefined) known.push(recent);
  const keys = new Set(known.map(({ key }) => key));
  for (const key of entries.keys()) keys.add(key);
  return [...keys];
}
