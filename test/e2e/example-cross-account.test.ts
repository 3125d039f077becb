/** `npm run example:cross-account`, as a newcomer runs it. */
import { execFile } from 'node:child_process';
import { expect, it } from 'vitest';

const run = (...flags: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['dist/cross-account.js', ...flags], { encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    );
  });

it('delivers to four accounts, and without a grant says which one is missing, before and after', async () => {
  const [whole, broken, unknown] = await Promise.all([
    run(),
    run('--break', 'key-production-eu'),
    run('--break', 'nothing'),
  ]);
  expect(whole).toMatchObject({ code: 0 });
  expect(whole.out).toMatch(/production-eu {2}\d{12} eu-west-1 {2}second/);
  expect(broken).toMatchObject({ code: 0 });
  expect(broken.out).toMatch(/✗ Production\/Deploy-production-eu/);
  expect(broken.out).toContain('Production/Deploy-production-eu fails, PermissionError');
  expect(broken.out).toContain('Proven: decided again with it, the call is allowed.');
  expect(unknown).toMatchObject({ code: 2 });
}, 240_000);
