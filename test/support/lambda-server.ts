/** A server to be killed: `lambda-server.ts STATE-FOLDER` prints its URL once it listens. SIGTERM ends it in order. */
import { startSluice } from '../../src/app/testing.ts';

const [stateDir = ''] = process.argv.slice(2);
const sluice = await startSluice({
  stateDir,
  clock: 'manual',
  services: ['lambda', 'logs', 'cloudwatch', 's3', 'kms'],
});
console.log(`url ${sluice.url}`);
process.once('SIGTERM', () => void sluice.close().then(() => process.exit(0)));
