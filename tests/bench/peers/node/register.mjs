// A registration as a function in Node: it reads, checks and answers as ours does where nothing has changed. Only that is
// measured, and what would have to be written is answered with 500.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Agent, request } from 'node:http';
import { BatchGetItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const { APPLICATION_ID, AWS_LAMBDA_RUNTIME_API, CLIENT_SECRET_ID, PUBLIC_URL, TABLE_NAME } = process.env;
const DAY = 86_400_000;
const LEASE = Number(process.env.BINDING_LEASE_DAYS || 270) * DAY;
const BINDINGS_NOT_BEFORE = Number(process.env.BINDINGS_NOT_BEFORE || 0) * 1000;
// The fields of our rules: functions/push/src/device.rs.
const GRACE = 30 * DAY;
const CHECK = 7 * DAY;
const CLOCK_TOLERANCE = 60_000;
const DEVICE_ID = /^(?!(?:\.{1,2}|null|undefined|\(null\)|report)$)[A-Za-z0-9._~:@+=,!$*()'-]{1,128}$/;
const USER_ID = /^(?!anonymous$)\P{Cc}{1,254}$/u;
const TOKENS = { A: /^(?:[0-9A-Fa-f]{2}){32,200}$/, G: /^[!-~]{32,4096}$/ };

// With the cache the SDK makes the steps of a call once and not each time.
const dynamodb = new DynamoDBClient({ cacheMiddleware: true });

// Fetched once, and only its current version: ours fetches the previous one and another secret too, each again and again.
const { SecretString: secret } = await new SecretsManagerClient().send(
  new GetSecretValueCommand({ SecretId: CLIENT_SECRET_ID, VersionStage: 'AWSCURRENT' }),
);
const keyId = sha256(secret).slice(0, 8);

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function register(event) {
  const now = Date.now();
  if (event.pathParameters?.applicationId !== APPLICATION_ID) {
    throw new Refusal(404, 'There is no such application.');
  }
  const { deviceId, token, platform, userId } = parsed(event);
  const secretOf = userOf(event.headers.clientsecret ?? '', now);
  if (secretOf === null || secretOf !== userId) {
    throw new Refusal(401, 'The client secret is missing, wrong or expired.');
  }
  const { device, holder, link } = await snapshot(deviceId, platform, token, userId);
  const { timeEpoch } = event.requestContext;
  const arrived = Math.abs(now - timeEpoch) > CLOCK_TOLERANCE ? now : timeEpoch;
  const wanted = { deviceId, token, platform, userId, arrived };
  if (!device || !holder || !link || !isUnchanged(now, wanted, device, holder, link)) {
    throw new Refusal(500, 'Something has changed, and would have to be written.');
  }
  return answer(201, {
    deviceId,
    userId,
    token,
    platform,
    createdTime: rfc3339(number(device.created)),
    lastUpdatedTime: rfc3339(number(device.updated)),
    createdMode: 'API',
    href: `${origin(event)}/imfpush/v1/apps/${APPLICATION_ID}/devices/${deviceId}`,
  });
}

function parsed({ body = '', isBase64Encoded }) {
  let fields;
  try {
    fields = JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString() : body);
  } catch {
    throw new Refusal(400, 'The body is not JSON.');
  }
  const fits = (value, pattern) => typeof value === 'string' && pattern.test(value);
  const { deviceId, token, platform, userId } = fields ?? {};
  if (!fits(deviceId, DEVICE_ID) || !fits(userId, USER_ID) || !fits(platform, /^[AG]$/) || !fits(token, TOKENS[platform])) {
    throw new Refusal(400, 'A field is missing or wrong.');
  }
  return { deviceId, token, platform, userId };
}

// For whom a client secret speaks: one form of JSON Web Token and no other.
function userOf(text, now) {
  try {
    const [header, claims, tag, ...more] = text.split('.');
    const { alg, kid, typ = 'JWT', ...others } = decoded(header);
    const known = alg === 'HS256' && kid === keyId && typ === 'JWT' && Object.keys(others).length === 0;
    const wanted = createHmac('sha256', secret).update(`${header}.${claims}`).digest();
    const given = Buffer.from(tag, 'base64url');
    if (more.length > 0 || !known || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      return null;
    }
    const { iss, sub, exp } = decoded(claims);
    return iss === APPLICATION_ID && typeof sub === 'string' && exp * 1000 > now ? sub : null;
  } catch {
    return null;
  }
}

function decoded(part) {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

// The items of the device, of its token and of the user's link to it, in one consistent read.
async function snapshot(deviceId, platform, token, userId) {
  const canonical = platform === 'A' ? token.toLowerCase() : token;
  const keys = [
    [`DEVICES#${createHash('sha256').update(deviceId).digest()[0]}`, deviceId],
    [`TOKEN#${sha256(`${platform}:${canonical}`)}`, 'TOKEN'],
    [`USER#${userId}`, deviceId],
  ];
  const Keys = keys.map(([pk, sk]) => ({ pk: { S: pk }, sk: { S: sk } }));
  const read = new BatchGetItemCommand({ RequestItems: { [TABLE_NAME]: { Keys, ConsistentRead: true } } });
  const { Responses, UnprocessedKeys } = await dynamodb.send(read);
  if (UnprocessedKeys?.[TABLE_NAME]) {
    throw new Refusal(500, 'The table has not answered in full.');
  }
  const items = new Map(Responses[TABLE_NAME].map((item) => [item.pk.S, item]));
  const [device, holder, link] = keys.map(([pk]) => items.get(pk));
  return { device, holder, link };
}

function isUnchanged(now, wanted, device, holder, link) {
  const marks = device.marks?.M ?? {};
  const logouts = [marks[sha256(wanted.userId).slice(0, 32)], marks["*"], device.barrier];
  const overtaken =
    number(device.arrived) > wanted.arrived ||
    number(holder.arrived) > wanted.arrived ||
    logouts.some((logout) => logout !== undefined && number(logout) > wanted.arrived);
  const expires = number(device.expires) * 1000;
  return (
    !overtaken &&
    !device.ended &&
    expires > now &&
    device.owner?.S === wanted.userId &&
    number(device.lease) * 1000 > now &&
    number(device.updated) >= BINDINGS_NOT_BEFORE &&
    device.platform.S === wanted.platform &&
    device.token.S === wanted.token &&
    holder.d.S === wanted.deviceId &&
    number(holder.expires) * 1000 > now &&
    number(link.expires) * 1000 > now &&
    expires - GRACE - now > LEASE / 2 &&
    now - number(device.checked) < CHECK
  );
}

function number(attribute) {
  return Number(attribute?.N);
}

function origin({ headers, requestContext }) {
  return PUBLIC_URL || `${headers['x-forwarded-proto'] ?? 'https'}://${requestContext.domainName}`;
}

function rfc3339(millis) {
  return `${new Date(millis).toISOString().slice(0, 19)}Z`;
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

function answer(statusCode, body) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

async function handle(event) {
  try {
    return await register(event);
  } catch (error) {
    if (!(error instanceof Refusal)) {
      console.error(error);
    }
    return answer(error.status ?? 500, { message: error.message });
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const url = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
  const sent = request(url, { method, agent }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part) => (text += part));
    response.on('end', () => resolve({ headers: response.headers, text }));
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

// The Runtime API in place of AWS's own client for it, which brings a native library: this is less work for each call.
for (;;) {
  const { headers, text } = await call('GET', 'next');
  const answered = await handle(JSON.parse(text));
  await call('POST', `${headers['lambda-runtime-aws-request-id']}/response`, JSON.stringify(answered));
}
