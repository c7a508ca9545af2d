// `publish MESSAGE ENDPOINT COUNT IN_FLIGHT`: publishes what is in the file so often, so many at once.

import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';

const [file, endpoint, count, inFlight] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(inFlight) });
// With the cache the SDK makes the steps of a call once and not each time.
const client = new SNSClient({ maxAttempts: 1, cacheMiddleware: true, requestHandler: { httpAgent: agent } });
const message = { TargetArn: endpoint, MessageStructure: 'json', Message: readFileSync(file, 'utf8') };

let left = Number(count);
async function publishes() {
  while (left > 0) {
    left -= 1;
    await client.send(new PublishCommand(message));
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, publishes));
client.destroy();
