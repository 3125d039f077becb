/** The contract of `Runtime`, on real processes of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNothingRuntime, openProcessRuntime, type ProcessSpec, type Runtime } from '../../src/runtimes/index.ts';

let folder: string;
let ledgerDir: string;
let runtime: Runtime;
const complaints: string[] = [];
const log = {
  warn: (message: string) => void complaints.push(message),
  error: (message: string) => void complaints.push(message),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-runtime-'));
  ledgerDir = join(folder, 'ledger');
  runtime = openProcessRuntime({ ledgerDir, log });
});

afterEach(async () => {
  await runtime.close();
  expect(readdirSync(ledgerDir), 'no ledger entry outlives its process').toEqual([]);
  expect(complaints.splice(0)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

const shell = (script: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  command: ['/bin/sh', '-c', script],
  cwd: folder,
  env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  label: 'test',
  ...more,
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
}

/** Collects output; `until` resolves when the text so far matches. */
function collector() {
  let text = '';
  const waiters: { pattern: RegExp; resolve: (match: RegExpExecArray) => void }[] = [];
  return {
    text: () => text,
    onOutput: (_stream: string, chunk: Uint8Array) => {
      text += Buffer.from(chunk).toString();
      for (const { pattern, resolve } of waiters) {
        const match = pattern.exec(text);
        if (match !== null) resolve(match);
      }
    },
    until: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve) => {
        const match = pattern.exec(text);
        if (match === null) waiters.push({ pattern, resolve });
        else resolve(match);
      }),
  };
}

describe('start()', () => {
  it('reports exit codes and signals, and keeps the streams apart', async () => {
    const seen: [string, string][] = [];
    const handle = await runtime.start(
      shell('echo out; echo err >&2; exit 7', { onOutput: (s, c) => void seen.push([s, Buffer.from(c).toString()]) }),
    );
    expect(await handle.exited).toEqual({ exitCode: 7, signal: null });
    expect(seen.sort()).toEqual([
      ['stderr', 'err\n'],
      ['stdout', 'out\n'],
    ]);
    const killed = await runtime.start(shell('kill -9 $$'));
    expect(await killed.exited).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  it('gives the program exactly the environment it was told, and its marker', async () => {
    const output = collector();
    const handle = await runtime.start(
      shell('env', { env: { ONLY: 'this', PATH: '/usr/bin:/bin' }, onOutput: output.onOutput }),
    );
    await handle.exited;
    const names = output
      .text()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.filter((name) => !['PWD', '_', 'SHLVL', 'OLDPWD'].includes(name ?? '')).sort()).toEqual([
      'ONLY',
      'PATH',
      'SLUICE_PROCESS',
    ]);
  });

  it('rejects when the program, or the folder, is not there, and when it may not be run', async () => {
    await expect(runtime.start({ ...shell(''), command: ['/no/such/program'] })).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(runtime.start({ ...shell('true'), cwd: '/no/such/folder' })).rejects.toThrow('no such folder');
    writeFileSync(join(folder, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
    await expect(runtime.start({ ...shell(''), command: [join(folder, 'plain')] })).rejects.toMatchObject({
      code: 'EACCES',
    });
  });

  it('passes input, and its end', async () => {
    const output = collector();
    const handle = await runtime.start(shell('cat', { stdin: 'pipe', onOutput: output.onOutput }));
    await handle.write?.(Buffer.from('one '));
    await handle.write?.(Buffer.from('two'));
    handle.endInput?.();
    expect(await handle.exited).toMatchObject({ exitCode: 0 });
    expect(output.text()).toBe('one two');
    await handle.write?.(Buffer.from('late')); // harmless
  });

  it('delivers all output before it reports the exit', async () => {
    let bytes = 0;
    const handle = await runtime.start(
      shell('head -c 3000000 /dev/zero', {
        onOutput: async (_stream, chunk) => {
          await delay(1);
          bytes += chunk.byteLength;
        },
      }),
    );
    await handle.exited;
    expect(bytes).toBe(3_000_000);
  });

  it('holds back a program that writes faster than its reader reads, and stays small', async () => {
    let bytes = 0;
    let peak = 0;
    global.gc?.();
    const before = process.memoryUsage().rss;
    const handle = await runtime.start(
      shell('head -c 104857600 /dev/zero', {
        onOutput: async (_stream, chunk) => {
          bytes += chunk.byteLength;
          peak = Math.max(peak, process.memoryUsage().rss - before);
          if (bytes % (1 << 20) < chunk.byteLength) await delay(1);
        },
      }),
    );
    await handle.exited;
    expect(bytes).toBe(104_857_600);
    expect(peak).toBeLessThan(60 * 1024 * 1024);
  });

  it('lets the program run on when its reader fails', async () => {
    const handle = await runtime.start(
      shell('head -c 1000000 /dev/zero; exit 3', {
        onOutput: () => {
          throw new Error('reader broke');
        },
      }),
    );
    expect(await handle.exited).toMatchObject({ exitCode: 3 });
    expect(complaints.splice(0)).toEqual(['output of a process could not be delivered']);
  });
});

describe('ending', () => {
  it('ends the tree when the time is up', async () => {
    const output = collector();
    const handle = await runtime.start(
      shell('sleep 1000 & echo child=$!; trap "" TERM; while :; do sleep 1; done', {
        timeoutMs: 150,
        onOutput: output.onOutput,
      }),
    );
    const child = Number((await output.until(/child=(\d+)/))[1]);
    expect(await handle.exited).toMatchObject({ exitCode: null, signal: 'SIGKILL', endedBy: 'Timeout' });
    expect(lives(child)).toBe(false);
  });

  it('lets a program that minds SIGTERM end by itself', async () => {
    const output = collector();
    const handle = await runtime.start(
      shell('trap "echo tidied; exit 5" TERM; echo ready; while :; do sleep 0.01; done', { onOutput: output.onOutput }),
    );
    await output.until(/ready/);
    await handle.kill();
    expect(await handle.exited).toEqual({ exitCode: 5, signal: null, endedBy: 'Killed' });
    expect(output.text()).toContain('tidied');
    await handle.kill(); // again, and late: harmless
  });

  it('kills what a program left behind, also in another group and session', async () => {
    const output = collector();
    const handle = await runtime.start(
      shell('sleep 1000 & echo a=$!; setsid sleep 1000 & sleep 0.05; echo b=$!; exit 0', { onOutput: output.onOutput }),
    );
    const [, a] = await output.until(/a=(\d+)/);
    expect(await handle.exited).toMatchObject({ exitCode: 0 });
    const [, b] = await output.until(/b=(\d+)/);
    expect([lives(Number(a)), lives(Number(b))]).toEqual([false, false]);
  });

  it('kills a tree that keeps forking', async () => {
    const output = collector();
    const handle = await runtime.start(
      shell(
        'trap "" TERM; i=0; while [ $i -lt 20 ]; do (trap "" TERM; while :; do sleep 0.02; done) & i=$((i+1)); done; echo up; wait',
        {
          onOutput: output.onOutput,
        },
      ),
    );
    await output.until(/up/);
    await handle.kill(50);
    expect(await handle.exited).toMatchObject({ endedBy: 'Killed' });
  });

  it('keeps what was left behind when asked to, until it is killed', async () => {
    const output = collector();
    const handle = await runtime.start(
      shell('(while :; do echo tick; sleep 0.02; done) & echo child=$!', {
        leftBehind: 'Keep',
        onOutput: output.onOutput,
      }),
    );
    expect(await handle.exited).toEqual({ exitCode: 0, signal: null });
    const child = Number((await output.until(/child=(\d+)/))[1]);
    expect(lives(child)).toBe(true);
    expect(readdirSync(ledgerDir)).toHaveLength(1);
    await handle.kill(0);
    expect(lives(child)).toBe(false);
  });

  it('does not hang on a stranger that holds the output open', async () => {
    // `env -i setsid` after a double fork: no marker, no group, no parent. Nothing but a container finds that one.
    const output = collector();
    const handle = await runtime.start(
      shell('(env -i setsid sleep 3 & echo $! ) ; sleep 0.1; exit 0', { onOutput: output.onOutput }),
    );
    expect(await handle.exited).toMatchObject({ exitCode: 0 });
  });

  it('close() ends all and refuses new ones', async () => {
    const handles = await Promise.all([1, 2, 3].map(() => runtime.start(shell('sleep 1000'))));
    await runtime.close();
    for (const handle of handles) expect(lives(handle.pid)).toBe(false);
    await expect(runtime.start(shell('true'))).rejects.toThrow('closed');
  });
});

describe('endOrphans()', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** A Sluice of its own that starts one program and is then killed without notice. */
  async function crashedRun(script: string): Promise<number[]> {
    const program = `
      import { openProcessRuntime } from ${JSON.stringify(join(process.cwd(), 'src/runtimes/index.ts'))};
      const runtime = openProcessRuntime({ ledgerDir: ${JSON.stringify(ledgerDir)}, log: console });
      let text = '';
      const handle = await runtime.start({
        command: ['/bin/sh', '-c', ${JSON.stringify(script)}], cwd: '/', env: { PATH: process.env.PATH }, label: 'build 1',
        onOutput: (_, chunk) => {
          text += Buffer.from(chunk).toString();
          if (text.includes('up')) console.log('pids ' + handle.pid + ' ' + text.replace(/[^0-9 ]/g, ' ') + ' end');
        },
      });
      setInterval(() => {}, 1000);`;
    writeFileSync(join(folder, 'run.mts'), program);
    const child = spawn(process.execPath, ['--import', 'tsx', join(folder, 'run.mts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const output = collector();
    child.stdout?.on('data', (chunk: Buffer) => output.onOutput('stdout', chunk));
    const [, pids = ''] = await output.until(/pids ([\d ]+) end/);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    return pids.trim().split(/\s+/).map(Number);
  }

  it('finds and ends what a killed run left, and names it', async () => {
    const pids = await crashedRun('sleep 1000 & echo $!; setsid sleep 1000 & echo $!; echo up; wait');
    expect(pids).toHaveLength(3);
    expect(pids.map(lives)).toEqual([true, true, true]);
    expect(await runtime.endOrphans()).toEqual(['build 1']);
    expect(pids.map(lives)).toEqual([false, false, false]);
    expect(await runtime.endOrphans()).toEqual([]);
  });

  it('finds the children of a leader that is gone', async () => {
    const [leader = 0, child = 0] = await crashedRun('sleep 1000 & echo $!; echo up; wait');
    process.kill(leader, 'SIGKILL');
    await expect.poll(() => lives(leader)).toBe(false);
    expect(lives(child)).toBe(true);
    expect(await runtime.endOrphans()).toEqual(['build 1']);
    expect(lives(child)).toBe(false);
  });

  it('leaves strangers and its own processes alone', async () => {
    const mine = await runtime.start(shell('sleep 1000'));
    const stranger = spawn('sleep', ['1000'], { detached: true });
    children.push(stranger);
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const entry = { id: 'f00', label: 'old', pid: stranger.pid, startedAt: '1', bootId };
    writeFileSync(join(ledgerDir, 'f00.json'), JSON.stringify(entry));
    writeFileSync(join(ledgerDir, 'f01.json'), JSON.stringify({ ...entry, id: 'f01', bootId: 'another boot' }));
    writeFileSync(join(ledgerDir, 'torn.json'), '{"id":');
    expect(await runtime.endOrphans()).toEqual([]);
    expect([lives(mine.pid), lives(stranger.pid ?? 0)]).toEqual([true, true]);
  });
});

it('openNothingRuntime() runs nothing', async () => {
  const nothing = openNothingRuntime();
  const handle = await nothing.start(shell('exit 9'));
  expect(await handle.exited).toEqual({ exitCode: 0, signal: null });
  await nothing.close();
});
