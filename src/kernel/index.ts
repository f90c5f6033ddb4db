export type { ArenaDump, DumpSlice } from "./arena-dump.js";
export { Arena, type ArenaOptions, type Walked } from "./arena.js";
