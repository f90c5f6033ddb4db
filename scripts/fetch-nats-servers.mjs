// Puts the nats-server binaries that the tests run against into a cache folder, and prints where each one is.
//
//   node scripts/fetch-nats-servers.mjs             every version
//   node scripts/fetch-nats-servers.mjs 2.10.27     this one only
//
// The folder is $MILLPOND_CACHE, else millpond in $XDG_CACHE_HOME or ~/.cache. MILLPOND_NATS_2_10 and MILLPOND_NATS_2_15 name
// a binary to take instead. In this order a server comes from: the cache, PATH, a Debian mirror that this machine's apt
// already uses (newer suites carry what the machine's own does not), the project's release download. A version that
// none of them has is a failure: a missing server must never turn into tests that did not run.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** The versions, oldest first, with the Debian suite that carries each and the variable that names a binary instead. */
const servers = [
  { version: "2.10.27", suite: "trixie", override: "MILLPOND_NATS_2_10" },
  { version: "2.15.1", suite: "sid", override: "MILLPOND_NATS_2_15" },
];
const releases = "https://github.com/nats-io/nats-server/releases/download";
const executable = process.platform === "win32" ? "nats-server.exe" : "nats-server";
const cache =
  process.env.MILLPOND_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "millpond");

function run(command, args, options = {}) {
  return execFileSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
}

/** What the binary says it is, e.g. `2.10.27`; undefined where it cannot be run. */
function versionOf(path) {
  try {
    return /v?(\d+\.\d+\.\d+)/.exec(run(path, ["--version"]))?.[1];
  } catch {
    return undefined;
  }
}

function overridden({ version, override }) {
  const path = process.env[override];
  if (path === undefined) return undefined;
  const found = versionOf(path);
  if (found !== version) {
    throw new Error(`${override}=${path} is ${found ?? "not a nats-server"}, not ${version}`);
  }
  return path;
}

function onPath({ version }) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders
    .map((folder) => join(folder, executable))
    .find((path) => fs.existsSync(path) && versionOf(path) === version);
}

/** The sources that apt is configured with, as `{ uri, components, signedBy }`. */
function aptSources() {
  const folder = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list"];
  if (fs.existsSync(folder))
    files.push(...fs.readdirSync(folder).map((name) => join(folder, name)));
  return files
    .filter((file) => fs.existsSync(file))
    .flatMap((file) => {
      const text = fs.readFileSync(file, "utf8");
      return file.endsWith(".sources") ? stanzas(text) : oneLiners(text);
    });
}

function stanzas(text) {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name) => new RegExp(`^${name}:[ \t]*(.*)$`, "im").exec(stanza)?.[1]?.trim();
    const words = (name) => (field(name) ?? "").split(/\s+/).filter((word) => word !== "");
    if (!words("Types").includes("deb") || field("Enabled") === "no") return [];
    return words("URIs").map((uri) => ({
      uri,
      components: words("Components"),
      signedBy: field("Signed-By"),
    }));
  });
}

function oneLiners(text) {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+\S+\s+(.*)$/.exec(line);
    if (match === null) return [];
    const [, options = "", uri, components] = match;
    return [
      {
        uri,
        components: components.trim().split(/\s+/),
        signedBy: /signed-by=(\S+)/i.exec(options)?.[1],
      },
    ];
  });
}

/** The mirror of Debian's main archive that this machine uses; undefined on any other system. */
function debianMirror() {
  const source = aptSources().find(
    ({ uri, components }) => /\/debian\/?$/.test(uri) && components.includes("main"),
  );
  if (source === undefined) return undefined;
  const usual = "/usr/share/keyrings/debian-archive-keyring.gpg";
  // A key given inline in the source, rather than as a file, is not carried over.
  const named = source.signedBy?.startsWith("/") ? source.signedBy : undefined;
  const keyring = named ?? (fs.existsSync(usual) ? usual : undefined);
  return { uri: source.uri, keyring };
}

/** Downloads and unpacks the package of the suite, with lists and cache of its own: the machine's apt stays as it is. */
function fromDebian({ version, suite }, work) {
  const mirror = debianMirror();
  if (mirror === undefined) throw new Error("no Debian mirror in this machine's apt configuration");
  const signed = mirror.keyring === undefined ? "" : ` [signed-by=${mirror.keyring}]`;
  const list = join(work, "sources.list");
  fs.writeFileSync(list, `deb${signed} ${mirror.uri} ${suite} main\n`);
  fs.mkdirSync(join(work, "lists", "partial"), { recursive: true });
  fs.mkdirSync(join(work, "cache", "archives", "partial"), { recursive: true });
  const settings = [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=/dev/null",
    `Dir::State::lists=${join(work, "lists")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "Acquire::Languages=none",
    // The unprivileged user that apt drops to could not write to our folder.
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);
  run("apt-get", [...settings, "-qq", "update"]);
  const offered = run("apt-cache", [...settings, "madison", "nats-server"])
    .split("\n")
    .map((line) => line.split("|")[1]?.trim())
    .filter((found) => found !== undefined && found !== "");
  // The upstream version decides; Debian's own revision after the hyphen may move.
  const wanted = offered.find((found) => found === version || found.startsWith(`${version}-`));
  if (wanted === undefined) {
    throw new Error(
      `Debian ${suite} has nats-server ${offered.join(", ") || "in no version"}, not ${version}`,
    );
  }
  run("apt-get", [...settings, "-qq", "download", `nats-server=${wanted}`], { cwd: work });
  const archive = fs.readdirSync(work).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get downloaded no package");
  run("dpkg-deb", ["-x", join(work, archive), join(work, "package")]);
  return join(work, "package", "usr", "sbin", executable);
}

async function download(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function fromRelease({ version }, work) {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const architecture = { x64: "amd64", arm: "arm7" }[process.arch] ?? process.arch;
  const folder = `nats-server-v${version}-${system}-${architecture}`;
  const name = `${folder}.${system === "windows" ? "zip" : "tar.gz"}`;
  const archive = await download(`${releases}/v${version}/${name}`);
  const sums = (await download(`${releases}/v${version}/SHA256SUMS`)).toString();
  const expected = sums
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, file]) => file === name)?.[0];
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== expected) throw new Error(`${name} does not have the published SHA-256`);
  fs.writeFileSync(join(work, name), archive);
  run("tar", ["-xf", name], { cwd: work });
  return join(work, folder, executable);
}

/** Fetches into a folder of our own, then renames into place, so that two processes at once do each other no harm. */
async function install(server, target) {
  const failures = [];
  for (const fetchFrom of [fromDebian, fromRelease]) {
    const work = fs.mkdtempSync(join(tmpdir(), "millpond-fetch-"));
    try {
      const fetched = await fetchFrom(server, work);
      const found = versionOf(fetched);
      if (found !== server.version) throw new Error(`fetched ${found ?? "something else"}`);
      fs.mkdirSync(cache, { recursive: true });
      const staged = `${target}.${process.pid}`;
      fs.copyFileSync(fetched, staged);
      fs.chmodSync(staged, 0o755);
      fs.renameSync(staged, target);
      return;
    } catch (error) {
      failures.push(`  ${fetchFrom.name}: ${String(error.stderr ?? error.message).trim()}`);
    } finally {
      fs.rmSync(work, { recursive: true, force: true });
    }
  }
  throw new Error(
    `no nats-server ${server.version}:\n${failures.join("\n")}\n` +
      `Put one on PATH, or name one with ${server.override}.`,
  );
}

async function locate(server) {
  const given = overridden(server);
  if (given !== undefined) return given;
  const target = join(cache, `nats-server-${server.version}-${process.arch}`);
  if (fs.existsSync(target)) return target;
  const found = onPath(server);
  if (found !== undefined) return found;
  await install(server, target);
  return target;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((version) => !servers.some((server) => server.version === version));
try {
  if (unknown.length > 0) throw new Error(`no such version in this script: ${unknown.join(", ")}`);
  for (const server of servers) {
    if (asked.length > 0 && !asked.includes(server.version)) continue;
    console.log(await locate(server));
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
