/**
 * The one shell that all commands of a build share: what a command exports, assigns or changes folder to, the next one
 * finds (buildspec 0.2). The shell reads numbers from its input, runs the file of that number in itself, and answers on
 * its output with a mark, so that output and exit status come in order:
 *
 *   number ─▶ shell ─▶ output of the command ... ─▶ RS token:number:status RS
 *
 * A command that ends the shell (`exit 0`) has ended only itself: exported variables and the folder are saved on the way
 * out and a new shell goes on from there.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessHandle, Runtime } from '../../../runtimes/index.ts';

const RS = '\u001e';

const DRIVER = `_sluice_dir=$1
_sluice_token=$2
shift 2
exec 8<&0 9>&1 2>&1 </dev/null
if [ -f "$_sluice_dir/env" ]; then . "$_sluice_dir/env"; fi
if [ -f "$_sluice_dir/cwd" ]; then cd "$(cat "$_sluice_dir/cwd")"; fi
trap '_sluice_status=$?; export -p >"$_sluice_dir/env"; pwd >"$_sluice_dir/cwd"; printf "\\036%s:exit:%s\\036" "$_sluice_token" "$_sluice_status" >&9' EXIT
while read -r _sluice_n <&8; do
. "$_sluice_dir/command-$_sluice_n"
printf '\\036%s:%s:%s\\036' "$_sluice_token" "$_sluice_n" "$?" >&9
done
trap - EXIT
`;

export type ShellOptions = Readonly<{
  runtime: Runtime;
  shell: 'sh' | 'bash';
  /** A word that no command can guess: it sets the shell's own marks apart from what commands print. */
  token: string;
  /** A folder of the shell's own, outside the sources. */
  controlDir: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  label: string;
  onOutput(text: Uint8Array): Promise<void> | undefined;
}>;

export class BuildShell {
  readonly #options: ShellOptions;
  readonly #started: ProcessHandle[] = [];
  #handle: ProcessHandle | undefined;
  #number = 0;
  #onMark: ((number: string, status: number) => void) | undefined;
  #killed = false;

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /** Runs one command, of one or several lines; resolves with its exit status. */
  async run(command: string): Promise<number> {
    const handle = await this.#running();
    const number = String(++this.#number);
    const file = join(this.#options.controlDir, `command-${number}`);
    await writeFile(file, `${command}\n`);
    const marked = new Promise<number>((resolve) => {
      this.#onMark = (name, status) => {
        if (name === 'exit') this.#handle = undefined;
        if (name === number || name === 'exit') resolve(status);
      };
    });
    // A shell that goes without a mark (exec, a signal) ends the command with its own status.
    const gone = handle.exited.then(({ exitCode, signal }) => {
      if (this.#handle === handle) this.#handle = undefined;
      return exitCode ?? (signal === null ? 1 : 137);
    });
    await handle.write?.(Buffer.from(`${number}\n`));
    const status = await Promise.race([marked, gone]);
    this.#onMark = undefined;
    await rm(file, { force: true });
    return status;
  }

  /** The text as the shell expands it between double quotes: variables and `$(...)`; without the trailing line ends. */
  async expand(text: string): Promise<string> {
    if (!/[$`]/.test(text)) return text;
    const file = join(this.#options.controlDir, 'expanded');
    const end = `_SLUICE_${this.#options.token}`;
    await this.run(`cat >"$_sluice_dir/expanded" <<${end}\n${text}\n${end}`);
    const expanded = await readFile(file, 'utf8').catch(() => '');
    await rm(file, { force: true });
    return expanded.replace(/\n+$/, '');
  }

  /** The values of the variables that are set. */
  async values(names: readonly string[]): Promise<{ name: string; value: string }[]> {
    const sound = names.filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
    if (sound.length === 0) return [];
    const dir = join(this.#options.controlDir, 'values');
    await mkdir(dir, { recursive: true });
    await this.run(
      sound.map((name) => `[ -z "\${${name}+x}" ] || printf %s "$${name}" >"$_sluice_dir/values/${name}"`).join('\n'),
    );
    const read = await Promise.all(
      sound.map(async (name) => ({ name, value: await readFile(join(dir, name), 'utf8').catch(() => undefined) })),
    );
    return read.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value }]));
  }

  /** Ends the shell, what it runs, and what it left running in the background. */
  async close(graceMs?: number): Promise<void> {
    this.#killed = true;
    await Promise.all(this.#started.map((handle) => handle.kill(graceMs)));
  }

  async #running(): Promise<ProcessHandle> {
    if (this.#killed) throw new Error('the shell is closed');
    if (this.#handle !== undefined) return this.#handle;
    const { runtime, shell, controlDir, cwd, env, label } = this.#options;
    await mkdir(controlDir, { recursive: true });
    const driver = join(controlDir, 'driver');
    await writeFile(driver, DRIVER);
    const read = this.#reader();
    this.#handle = await runtime.start({
      command: [shell, driver, controlDir, this.#options.token],
      cwd,
      env,
      label,
      stdin: 'pipe',
      leftBehind: 'Keep',
      onOutput: (_stream, chunk) => read(chunk),
    });
    this.#started.push(this.#handle);
    if (this.#killed) await this.#handle.kill();
    return this.#handle;
  }

  /** Passes output on and takes the marks out of it; each shell has its own, for an old one may have left something running. */
  #reader(): (chunk: Uint8Array) => Promise<void> {
    const opening = Buffer.from(`${RS}${this.#options.token}:`);
    let held: Buffer = Buffer.alloc(0);
    return async (chunk) => {
      let data: Buffer = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
      for (;;) {
        const at = data.indexOf(opening);
        const end = at < 0 ? -1 : data.indexOf(RS, at + opening.length);
        if (end < 0) {
          const keep = at >= 0 ? data.length - at : beginningAtEnd(data, opening);
          held = Buffer.from(data.subarray(data.length - keep));
          if (keep < data.length) await this.#options.onOutput(data.subarray(0, data.length - keep));
          return;
        }
        if (at > 0) await this.#options.onOutput(data.subarray(0, at));
        const [name = '', status = ''] = data
          .subarray(at + opening.length, end)
          .toString('latin1')
          .split(':');
        this.#onMark?.(name, Number(status));
        data = data.subarray(end + 1);
      }
    };
  }
}

/** How many bytes at the end of `data` may be the beginning of `mark`. */
function beginningAtEnd(data: Buffer, mark: Buffer): number {
  const start = data.lastIndexOf(mark[0] ?? 0);
  if (start < 0 || data.length - start >= mark.length) return 0;
  return mark.subarray(0, data.length - start).equals(data.subarray(start)) ? data.length - start : 0;
}
