/**
 * Who speaks git: HTTP Basic credentials in either of CodeCommit's two forms.
 *
 * - A signature, as `aws codecommit credential-helper` and git-remote-codecommit make it: the user name is
 *   `ACCESSKEY` or `ACCESSKEY%SESSIONTOKEN`, the password `yyyymmddThhmmssZ<hex>`: Signature Version 4 over method
 *   `GIT`, the path of the clone URL, and the host name without its port (awscli/customizations/codecommit.py).
 * - Service-specific credentials of an IAM user (iam:CreateServiceSpecificCredential).
 *
 * The Region is part of the signature but not of what is sent, so it is found by trying: the one in the host name
 * (`git-codecommit.<region>.amazonaws.com`), those in which the account has a repository of that name, the default one.
 * Differs from AWS: there each Region has a host of its own; here one address serves all of them.
 */
import { Buffer } from 'node:buffer';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS, type Principal } from '../../common/index.ts';
import type { HttpTools } from '../service.ts';
import { repositories } from './repository.ts';

/** The AWS documents give the helper's passwords about fifteen minutes. */
const LIFE_MS = 15 * MINUTE_MS;

export type GitCaller = Readonly<{ principal: Principal; account: string; region: string }>;
export type GitRefusal = Readonly<{ refused: string }>;

export async function gitCaller(
  authorization: string,
  target: Readonly<{ host: string; path: string; repositoryName: string }>,
  tools: HttpTools,
): Promise<GitCaller | GitRefusal> {
  const basic = /^Basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(authorization)?.[1];
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return { refused: 'The Authorization header is not HTTP Basic.' };
  const [userName, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  const signature = /^(\d{8}T\d{6})Z([0-9a-f]{64})$/.exec(password);
  if (signature === null) return serviceCaller(userName, password, target.repositoryName, tools);
  return signedCaller(userName, signature[1] ?? '', signature[2] ?? '', target, tools);
}

async function signedCaller(
  userName: string,
  timestamp: string,
  signature: string,
  target: Readonly<{ host: string; path: string; repositoryName: string }>,
  tools: HttpTools,
): Promise<GitCaller | GitRefusal> {
  const percent = userName.indexOf('%');
  const accessKeyId = percent < 0 ? userName : userName.slice(0, percent);
  const token = percent < 0 ? undefined : userName.slice(percent + 1);
  const credentials = await tools.credentials(accessKeyId);
  const account = credentials === undefined ? undefined : accountOf(credentials.principal);
  if (credentials === undefined || account === undefined)
    return { refused: 'The security token included in the request is invalid.' };
  if (credentials.sessionToken !== token) return { refused: 'The security token included in the request is invalid.' };
  if (credentials.expiresAt !== undefined && credentials.expiresAt <= tools.house.clock.now()) {
    return { refused: 'The security token included in the request is expired.' };
  }
  const madeAt = Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(madeAt) || Math.abs(tools.wallNow() - madeAt) > LIFE_MS) {
    return {
      refused:
        'The signature in the password has expired. Let git ask the credential helper again, and do not keep its answers.',
    };
  }
  const regions = await candidateRegions(target, account, tools);
  const region = regions.find((candidate) =>
    sameText(
      signature,
      gitSignature({ secretAccessKey: credentials.secretAccessKey, region: candidate, timestamp, ...target }),
    ),
  );
  if (region === undefined) {
    return {
      refused:
        'The signature in the password does not match. Check the secret access key, that credential.UseHttpPath is true, and that the Region the helper signs for has the repository.',
    };
  }
  return { principal: credentials.principal, account, region };
}

async function serviceCaller(
  userName: string,
  password: string,
  repositoryName: string,
  tools: HttpTools,
): Promise<GitCaller | GitRefusal> {
  const principal = await tools.serviceCredentials?.('codecommit.amazonaws.com', userName, password);
  const account = principal === undefined ? undefined : accountOf(principal);
  if (principal === undefined || account === undefined)
    return { refused: 'The user name or the password is not valid.' };
  const { defaultRegion } = tools.house.config;
  const regions = await regionsOf(account, repositoryName, tools);
  const region = regions.includes(defaultRegion) ? defaultRegion : (regions[0] ?? defaultRegion);
  return { principal, account, region };
}

/** The hexadecimal signature, exactly as the AWS CLI computes it. `timestamp` has no `Z`. */
export function gitSignature(
  options: Readonly<{ secretAccessKey: string; region: string; timestamp: string; host: string; path: string }>,
): string {
  const day = options.timestamp.slice(0, 8);
  const hostName = options.host.split(':')[0] ?? '';
  const canonical = `GIT\n${options.path}\n\nhost:${hostName}\n\nhost\n`;
  const scope = `${day}/${options.region}/codecommit/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', options.timestamp, scope, hash].join('\n');
  const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
  const key = hmac(
    hmac(hmac(hmac(`AWS4${options.secretAccessKey}`, day), options.region), 'codecommit'),
    'aws4_request',
  );
  return hmac(key, text).toString('hex');
}

async function candidateRegions(
  target: Readonly<{ host: string; repositoryName: string }>,
  account: string,
  tools: HttpTools,
): Promise<string[]> {
  const named = /^(?:vpce-.+\.)?git-codecommit(?:-fips)?\.([^.]+)\.(?:vpce\.)?amazonaws\.com/.exec(target.host)?.[1];
  if (named !== undefined) return [named];
  return [...new Set([...(await regionsOf(account, target.repositoryName, tools)), tools.house.config.defaultRegion])];
}

async function regionsOf(account: string, repositoryName: string, tools: HttpTools): Promise<string[]> {
  const named = await repositories.list(tools.house.store, { account, idPrefix: repositoryName });
  return named.filter(({ key }) => key.id === repositoryName).map(({ key }) => key.region);
}

function accountOf(principal: Principal): string | undefined {
  return 'account' in principal ? principal.account : undefined;
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
