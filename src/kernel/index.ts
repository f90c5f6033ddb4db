export type { ArenaDump, DumpSlice } from "./arena-dump.js";
export { Arena, type ArenaOptions } from "./arena.js";
