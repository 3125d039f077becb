/**
 * A git credential helper for builds: signs as `aws codecommit credential-helper` does, with the AWS variables of the
 * environment, and only for Sluice's own address or AWS's CodeCommit.
 * git speaks `key=value` lines on standard input; `get` is the only request that is answered.
 */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

if (process.argv[2] === 'get') {
  const asked = Object.fromEntries(
    readFileSync(0, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  const host = asked.host ?? '';
  const named = /^git-codecommit(?:-fips)?\.([^.]+)\.amazonaws\.com/.exec(host)?.[1];
  const ours = host === new URL(process.env.AWS_ENDPOINT_URL ?? 'http://none.invalid').host;
  if (key && secret && (ours || named)) {
    const region = named ?? process.env.AWS_REGION ?? '';
    const timestamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
    const day = timestamp.slice(0, 8);
    const canonical = `GIT\n/${asked.path ?? ''}\n\nhost:${host.split(':')[0]}\n\nhost\n`;
    const scope = `${day}/${region}/codecommit/aws4_request`;
    const text = ['AWS4-HMAC-SHA256', timestamp, scope, createHash('sha256').update(canonical).digest('hex')].join(
      '\n',
    );
    const hmac = (by, data) => createHmac('sha256', by).update(data).digest();
    const signing = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 'codecommit'), 'aws4_request');
    const signature = createHmac('sha256', signing).update(text).digest('hex');
    process.stdout.write(`username=${key}${token ? `%${token}` : ''}\npassword=${timestamp}Z${signature}\n`);
  }
}
