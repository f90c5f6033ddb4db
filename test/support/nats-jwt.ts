import { nkeys } from "@nats-io/nats-core";

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface OperatorMode {
  /** For the server's configuration file. */
  readonly config: string;
  /** A creds file for a user of an account that may use JetStream. */
  readonly creds: string;
  /** The secret part of it. */
  readonly seed: string;
}

/** An operator with one account and one user, made for one test. */
export function operatorMode(): OperatorMode {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const system = nkeys.createAccount();
  const operatorJwt = signed(operator, operator, { type: "operator", version: 2 });
  const unlimited = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    conn: -1,
    leaf: -1,
  };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accountJwt = signed(operator, account, {
    type: "account",
    version: 2,
    limits: { ...unlimited, ...storage, wildcards: true },
  });
  const systemJwt = signed(operator, system, {
    type: "account",
    version: 2,
    limits: { ...unlimited, wildcards: true },
  });
  const userJwt = signed(account, user, {
    type: "user",
    version: 2,
    subs: -1,
    data: -1,
    payload: -1,
    pub: {},
    sub: {},
  });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    config: [
      `operator: ${operatorJwt}`,
      "resolver: MEMORY",
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt}`,
      `  ${system.getPublicKey()}: ${systemJwt} }`,
    ].join("\n"),
    creds: [
      "-----BEGIN NATS USER JWT-----",
      userJwt,
      "------END NATS USER JWT------",
      "",
      "-----BEGIN USER NKEY SEED-----",
      seed,
      "------END USER NKEY SEED------",
      "",
    ].join("\n"),
    seed,
  };
}

/** A pair of public key and seed for a user. */
export function userKeys(): { readonly publicKey: string; readonly seed: string } {
  const user = nkeys.createUser();
  return {
    publicKey: user.getPublicKey(),
    seed: new TextDecoder().decode(user.getSeed()),
  };
}

function signed(issuer: KeyPair, subject: KeyPair, claims: object): string {
  const header = base64({ typ: "JWT", alg: "ed25519-nkey" });
  const body = base64({
    jti: "millpond-test",
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: "test",
    nats: claims,
  });
  const signature = issuer.sign(new TextEncoder().encode(`${header}.${body}`));
  return `${header}.${body}.${Buffer.from(signature).toString("base64url")}`;
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
