export { Arena, type ArenaOptions } from "./arena.js";
