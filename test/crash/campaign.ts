import type { ServerVersion } from "../support/nats-server.js";
import { runCell, type Cell, type Variant } from "./cell.js";
import { Tally } from "./tally.js";
import { Violation } from "./violation.js";

/** The copies of each process: one of each kind. */
export const variants: readonly Variant[] = [
  { format: 3, durability: "process" },
  { format: 3, durability: "power" },
  { format: 2, durability: "process" },
  { format: 2, durability: "power" },
];

/** Processes killed over one bucket and one set of copies; then come new ones. */
const SIGNALS_PER_CELL = 60;
/** So many cells in a row without a kill: none can be run here. */
const MOST_IDLE_CELLS = 4;

export interface Campaign {
  readonly servers: readonly ServerVersion[];
  /** Whether disks fall ill now and then, in each or in every other cell. */
  readonly disks: "well" | "ill" | "both";
  /** The first cell's; each has the next. */
  readonly seed: number;
  /** Copies whose process is killed, at least. */
  readonly kills: number;
  readonly updatesPerSecond: number;
  /** Default 1; see `Cell`. */
  readonly patience?: number;
  /** Cells that run at a time. */
  readonly jobs: number;
  /** When it ends although there were not so many, in milliseconds from its start. */
  readonly longestMs: number;
  /** Called after each kill, and with the cell at the end of one, whose figures are in the rows by then. */
  readonly onProgress?: (campaign: CampaignReport, ended?: Cell) => void;
}

/** The copies of one kind over all cells that ended. */
export interface Row extends Variant {
  readonly server: ServerVersion;
  readonly isSick: boolean;
  readonly tally: Tally;
}

export interface CampaignReport {
  /** Of the kinds that had a turn. */
  readonly rows: readonly Row[];
  /** Copies whose process was killed. */
  readonly kills: number;
  /** Each violation with what it takes to see it again, as far as that can be had. */
  readonly complaints: readonly string[];
  /** Why it ended before there were so many kills as asked for; `undefined` where there were. */
  readonly cutShort: string | undefined;
}

/** Runs cell after cell. What is not as promised ends its cell and is told in the end. Where no cell can be run it is over. */
export async function runCampaign(campaign: Campaign): Promise<CampaignReport> {
  return await new CampaignRun(campaign).run();
}

class CampaignRun implements CampaignReport {
  readonly complaints: string[] = [];
  readonly #campaign: Campaign;
  /** Of every kind. */
  readonly #rows: readonly Row[];
  readonly #hadTurn = new Set<Row>();
  readonly #kinds: readonly Pick<Cell, "server" | "isSick">[];
  readonly #endsAt: number;
  readonly #running = new Set<Tally>();
  #cells = 0;
  #idleCells = 0;

  constructor(campaign: Campaign) {
    this.#campaign = campaign;
    this.#endsAt = performance.now() + campaign.longestMs;
    const disks = { well: [false], ill: [true], both: [false, true] }[campaign.disks];
    this.#kinds = disks.flatMap((isSick) => campaign.servers.map((server) => ({ server, isSick })));
    this.#rows = this.#kinds.flatMap((kind) =>
      variants.map((variant) => ({ ...kind, ...variant, tally: new Tally() })),
    );
  }

  get rows(): Row[] {
    return this.#rows.filter((row) => this.#hadTurn.has(row));
  }

  get cutShort(): string | undefined {
    const { kills } = this.#campaign;
    if (this.kills >= kills) return undefined;
    const why = this.#isIdle ? "no cell could be run any more" : "its time was over";
    return `cut short: ${this.kills} of ${kills} kills, then ${why}`;
  }

  get kills(): number {
    const ended = this.rows.map(({ tally }) => tally);
    return [...ended, ...this.#running].reduce((kills, tally) => kills + tally.kills, 0);
  }

  async run(): Promise<CampaignReport> {
    await Promise.all(Array.from({ length: this.#campaign.jobs }, () => this.#runCells()));
    return this;
  }

  async #runCells(): Promise<void> {
    while (!this.#isOver) {
      const cell = this.#next();
      const tallies = variants.map(() => new Tally());
      for (const tally of tallies) this.#running.add(tally);
      const goOn = (): boolean => {
        this.#campaign.onProgress?.(this);
        return !this.#isOver;
      };
      await runCell(cell, tallies, goOn).catch((error: unknown) => {
        const isTold = tallies.some(({ violations }) => Object.values(violations).some(Boolean));
        const isViolation = error instanceof Violation;
        if (isViolation && !isTold) tallies[0]?.violated(error);
        const what = isViolation ? String(error) : `could not be run: ${String(error)}`;
        this.complaints.push(`${nameOf(cell)}: ${what}`);
      });
      this.#idleCells = tallies.some(({ kills }) => kills > 0) ? 0 : this.#idleCells + 1;
      this.#join(cell, tallies);
      this.#campaign.onProgress?.(this, cell);
    }
  }

  get #isOver(): boolean {
    return this.#isIdle || this.kills >= this.#campaign.kills || performance.now() >= this.#endsAt;
  }

  get #isIdle(): boolean {
    return this.#idleCells >= MOST_IDLE_CELLS;
  }

  #next(): Cell {
    const { seed, kills, updatesPerSecond, patience = 1 } = this.#campaign;
    const number = this.#cells;
    this.#cells += 1;
    const kind = this.#kinds[number % this.#kinds.length];
    if (kind === undefined) throw new Error("no server was named");
    const signals = Math.min(SIGNALS_PER_CELL, Math.ceil((kills - this.kills) / variants.length));
    return { ...kind, variants, seed: seed + number, signals, updatesPerSecond, patience };
  }

  #join({ server, isSick }: Cell, tallies: readonly Tally[]): void {
    const rows = this.#rows.filter((row) => row.server === server && row.isSick === isSick);
    for (const row of rows) this.#hadTurn.add(row);
    for (const [index, tally] of tallies.entries()) {
      this.#running.delete(tally);
      rows[index]?.tally.join(tally);
    }
  }
}

function nameOf({ seed, server, isSick, signals }: Cell): string {
  const kills = signals * variants.length;
  return `--seed ${seed} --server ${server} --disks ${isSick ? "ill" : "well"} --kills ${kills}`;
}
