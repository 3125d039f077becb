/**
 * A certificate made on the spot, for `--tls`: a private CA in the state folder and a leaf for localhost and 127.0.0.1.
 * Made with the machine's `openssl`; a machine without it gets a clear message.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OptionError } from './config.ts';

const run = promisify(execFile);
const VALID_DAYS = 397;

export type Certificate = Readonly<{ key: string; cert: string; caFile: string }>;

/** Reuses the CA and leaf of the state folder while they are there. */
export async function makeCertificate(stateDir: string): Promise<Certificate> {
  const dir = join(stateDir, 'tls');
  const file = (name: string): string => join(dir, name);
  if (!existsSync(file('leaf.pem'))) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      await run('openssl', [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        String(VALID_DAYS),
        '-subj',
        '/CN=Sluice local CA',
        '-keyout',
        file('ca-key.pem'),
        '-out',
        file('ca.pem'),
        '-addext',
        'basicConstraints=critical,CA:TRUE',
        '-addext',
        'keyUsage=critical,keyCertSign,cRLSign',
      ]);
      await run('openssl', [
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-subj',
        '/CN=localhost',
        '-keyout',
        file('leaf-key.pem'),
        '-out',
        file('leaf.csr'),
      ]);
      writeFileSync(
        file('leaf.ext'),
        'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1\n',
      );
      await run('openssl', [
        'x509',
        '-req',
        '-in',
        file('leaf.csr'),
        '-CA',
        file('ca.pem'),
        '-CAkey',
        file('ca-key.pem'),
        '-CAcreateserial',
        '-days',
        String(VALID_DAYS),
        '-extfile',
        file('leaf.ext'),
        '-out',
        file('leaf.pem'),
      ]);
    } catch (error) {
      throw new OptionError(
        `--tls needs the openssl program to make a certificate: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return {
    key: readFileSync(file('leaf-key.pem'), 'utf8'),
    cert: readFileSync(file('leaf.pem'), 'utf8'),
    caFile: file('ca.pem'),
  };
}
