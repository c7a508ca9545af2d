// Registers an app with Userpush for the user who is signed in. README.md, beside this file, says when to call what.

/** Keeps a few strings on this device: private to the app, and in no backup. null forgets. */
export interface Store {
  read(key: string): string | null | Promise<string | null>;
  write(key: string, value: string | null): void | Promise<void>;
}

/** An answer that is not the wanted one. 401: the secret has ended, log in again. 429 and 5xx: try again later. */
export class Refused extends Error {
  constructor(readonly status: number) {
    super(`Userpush answered ${status}`);
  }
}

interface Session {
  applicationId: string;
  userId: string;
  clientSecret: string;
}

/** `nid` is the message; `uid` the user it is for, and nobody where it is for the device. */
interface Push {
  nid: string;
  uid?: string;
}

export class Userpush {
  private calls: Promise<unknown> = Promise.resolve();
  private pushes: Promise<unknown> = Promise.resolve();

  /** `url` ends with /imfpush/v1/apps/ and the application id; `platform` is G (FCM) or A (APNs). */
  constructor(
    private readonly url: string,
    private readonly platform: "A" | "G",
    private readonly store: Store,
  ) {}

  /**
   * After a user signed in, and at each start while one is: the device is theirs from now on, and nobody else's. Somebody
   * else comes: `logout` first.
   */
  login(idToken: string): Promise<void> {
    return this.inTurn(async () => {
      await this.leave();
      const answer = await this.call("GET", "init", { Authorization: `Bearer ${idToken}` });
      if (answer.status !== 200) throw new Refused(answer.status);
      const { applicationId, userId, clientSecret } = (await answer.json()) as Session;
      await this.store.write("session", JSON.stringify({ applicationId, userId, clientSecret }));
      await this.register();
    });
  }

  /** Whenever the platform gives or changes the device's token, before a login too. */
  tokenIs(token: string): Promise<void> {
    return this.inTurn(async () => {
      await this.store.write("token", token);
      await this.register();
    });
  }

  /**
   * Before the user signs out, and at each start while nobody is signed in. false: nobody heard it yet; it is said again at the
   * next start, or before the next login says anything else.
   */
  logout(): Promise<boolean> {
    return this.inTurn(async () => {
      const session = await this.store.read("session");
      if (session !== null) {
        // In this order a crash between the two leaves a logout to be said, never a user who stays.
        await this.store.write("leaving", session);
        await this.store.write("session", null);
      }
      return this.leave().then(() => true, () => false);
    });
  }

  /** Whether a push, by its field `payload`, is for this user, or for the device: look before you open what it is about. */
  async isMine(payload: string): Promise<boolean> {
    const { uid } = JSON.parse(payload) as Push;
    const session = await this.session();
    return uid === undefined || uid === (session && (await uidOf(session)));
  }

  /** Whether to show a push: it is mine, and came for the first time. */
  accepts(payload: string): Promise<boolean> {
    // In a queue of its own: a push does not wait for the network.
    const decided = this.pushes.then(async () => {
      const { nid } = JSON.parse(payload) as Push;
      if (!(await this.isMine(payload))) return false;
      const seen = JSON.parse((await this.store.read("seen")) ?? "[]") as string[];
      if (seen.includes(nid)) return false;
      await this.store.write("seen", JSON.stringify([...seen, nid].slice(-100)));
      return true;
    });
    this.pushes = decided.catch(() => undefined);
    return decided;
  }

  private async register(): Promise<void> {
    const session = await this.session();
    const token = await this.store.read("token");
    if (session === null || token === null) return;
    const status = await this.post({ token, userId: session.userId }, { clientSecret: session.clientSecret });
    if (status !== 201) throw new Refused(status);
  }

  /** Says a logout that has not been heard. An older secret than the present ones is good for it too. */
  private async leave(): Promise<void> {
    const leaving = await this.store.read("leaving");
    if (leaving === null) return;
    const { clientSecret } = JSON.parse(leaving) as Session;
    const path = `devices/${await this.deviceId()}`;
    let { status } = await this.call("DELETE", path, { clientSecret });
    const token = await this.store.read("token");
    // The secret was revoked. But the token proves the phone: registered for nobody, it is nobody's.
    if (status === 401 && token !== null) status = await this.post({ token }, {});
    // 404: it was not registered any more. 401: nothing else can be said; the next login or the lease ends it.
    if (![201, 204, 401, 404].includes(status)) throw new Refused(status);
    await this.store.write("leaving", null);
  }

  private async post(what: { token: string; userId?: string }, headers: Record<string, string>): Promise<number> {
    const body = { deviceId: await this.deviceId(), platform: this.platform, ...what };
    return (await this.call("POST", "devices", headers, body)).status;
  }

  private call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Response> {
    return fetch(`${this.url}/${path}`, {
      method,
      headers: body ? { ...headers, "Content-Type": "application/json" } : headers,
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(15_000),
    });
  }

  private async session(): Promise<Session | null> {
    const text = await this.store.read("session");
    return text === null ? null : (JSON.parse(text) as Session);
  }

  /** Random for each installation: whoever knows the id of a device that is nobody's can end it. */
  private async deviceId(): Promise<string> {
    const known = await this.store.read("deviceId");
    if (known !== null) return known;
    const made = crypto.randomUUID();
    await this.store.write("deviceId", made);
    return made;
  }

  /** One call after the other: a new token that crosses a logout must not register who has left. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.calls.then(work);
    this.calls = turn.catch(() => undefined);
    return turn;
  }
}

/** How a push names the user it is for: the first 16 hex digits of SHA-256(application id, a zero byte, user id). */
async function uidOf({ applicationId, userId }: Session): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${applicationId}\0${userId}`));
  return [...new Uint8Array(digest).slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
