/**
 * Buildspec version 0.2, from parsed YAML whose scalars are texts as they stand in the file (`yes`, `1.10`, `0.2`).
 * Pure: the caller parses, and lends `lineOf` so that a mistake can be pointed at.
 *
 * What Sluice does not do is either refused with the reason (`run-as`, PowerShell, `on-failure: RETRY`) or, where AWS's
 * own result would be the same without it, told in the build's log (`notices`: runtimes, reports, cache).
 * Source: CodeBuild User Guide, "Build specification reference"; reference/codebuild.md section 5.
 */
import { COMMAND_PHASES, type CommandPhase, type OnFailure } from '../build/index.ts';

export type PhaseCommands = Readonly<{
  commands: readonly string[];
  finally: readonly string[];
  onFailure?: OnFailure;
}>;

export type ArtifactFiles = Readonly<{
  files: readonly string[];
  baseDirectory?: string;
  excludePaths: readonly string[];
  discardPaths: boolean;
  enableSymlinks: boolean;
  name?: string;
  s3Prefix?: string;
}>;

export type Buildspec = Readonly<{
  shell: 'sh' | 'bash';
  variables: Readonly<Record<string, string>>;
  parameterStore: Readonly<Record<string, string>>;
  secretsManager: Readonly<Record<string, string>>;
  exportedVariables: readonly string[];
  gitCredentialHelper: boolean;
  phases: Readonly<Partial<Record<CommandPhase, PhaseCommands>>>;
  artifacts?: ArtifactFiles;
  secondaryArtifacts: Readonly<Record<string, ArtifactFiles>>;
  /** Lines for the build's log. */
  notices: readonly string[];
}>;

export type BuildspecResult = Readonly<{ buildspec: Buildspec }> | Readonly<{ error: string }>;

export type Path = readonly (string | number)[];

const PHASE_NAMES: Readonly<Record<string, CommandPhase>> = {
  install: 'INSTALL',
  pre_build: 'PRE_BUILD',
  build: 'BUILD',
  post_build: 'POST_BUILD',
};

/** A mistake in the file; its message becomes the phase's context. */
class Mistake extends Error {}

/** `lineOf` gives the line, from 1, on which the value at a path begins. */
export function readBuildspec(parsed: unknown, lineOf: (path: Path) => number | undefined): BuildspecResult {
  try {
    return { buildspec: new Reader(lineOf).read(parsed) };
  } catch (error) {
    if (error instanceof Mistake) return { error: error.message };
    throw error;
  }
}

class Reader {
  readonly #lineOf: (path: Path) => number | undefined;
  readonly #notices: string[] = [];

  constructor(lineOf: (path: Path) => number | undefined) {
    this.#lineOf = lineOf;
  }

  read(parsed: unknown): Buildspec {
    if (!isMap(parsed)) throw new Mistake('The buildspec must be a map of sections such as version and phases');
    const version = this.#text(parsed['version'], ['version']) ?? '';
    if (!/^0*0?\.20*$/.test(version)) {
      throw new Mistake(
        version === ''
          ? 'invalid buildspec: version is required; 0.2 is supported'
          : `unsupported buildspec version ${version}: Sluice implements version 0.2`,
      );
    }
    if (parsed['run-as'] !== undefined)
      throw new Mistake(this.#at('run-as is not implemented by Sluice: commands run as its own user', ['run-as']));
    const env = this.#map(parsed['env'], ['env']) ?? {};
    const phases = this.#phases(parsed['phases']);
    const artifacts = this.#map(parsed['artifacts'], ['artifacts']);
    const secondary = this.#map(artifacts?.['secondary-artifacts'], ['artifacts', 'secondary-artifacts']) ?? {};
    if (parsed['reports'] !== undefined)
      this.#notices.push('Reports are not implemented by Sluice: none is made from the reports section');
    if (parsed['cache'] !== undefined)
      this.#notices.push('Sluice keeps no cache between builds: the cache section has no effect');
    return {
      shell: this.#shell(env['shell']),
      variables: this.#variables(env['variables'], 'variables'),
      parameterStore: this.#variables(env['parameter-store'], 'parameter-store'),
      secretsManager: this.#variables(env['secrets-manager'], 'secrets-manager'),
      exportedVariables: this.#list(env['exported-variables'], ['env', 'exported-variables']),
      gitCredentialHelper: this.#flag(env['git-credential-helper'], ['env', 'git-credential-helper']),
      phases,
      ...(artifacts === undefined
        ? {}
        : { artifacts: this.#artifacts(artifacts, ['artifacts'], Object.keys(secondary).length > 0) }),
      secondaryArtifacts: Object.fromEntries(
        Object.keys(secondary).map((id) => {
          const path = ['artifacts', 'secondary-artifacts', id];
          return [id, this.#artifacts(this.#map(secondary[id], path) ?? {}, path, false)];
        }),
      ),
      notices: this.#notices,
    };
  }

  #phases(value: unknown): Partial<Record<CommandPhase, PhaseCommands>> {
    const phases = this.#map(value, ['phases']);
    if (phases === undefined || Object.keys(phases).length === 0)
      throw new Mistake('invalid buildspec: phases is required');
    const read: Partial<Record<CommandPhase, PhaseCommands>> = {};
    for (const [name, given] of Object.entries(phases)) {
      const phase = PHASE_NAMES[name];
      if (phase === undefined) {
        throw new Mistake(
          `Invalid buildspec phase name: ${name}. Expecting: ${Object.keys(PHASE_NAMES).sort().join(',')}`,
        );
      }
      const path = ['phases', name];
      const spec = this.#map(given, path) ?? {};
      if (spec['run-as'] !== undefined) {
        throw new Mistake(
          this.#at('run-as is not implemented by Sluice: commands run as its own user', [...path, 'run-as']),
        );
      }
      if (phase === 'INSTALL') this.#noteRuntimes(spec['runtime-versions']);
      const onFailure = this.#onFailure(spec['on-failure'], path);
      read[phase] = {
        commands: this.#commands(spec['commands'], [...path, 'commands'], 'Commands'),
        finally: this.#commands(spec['finally'], [...path, 'finally'], 'Finally'),
        ...(onFailure === undefined ? {} : { onFailure }),
      };
      if (spec['commands'] === undefined && spec['runtime-versions'] === undefined && spec['finally'] === undefined) {
        throw new Mistake(this.#at(`invalid buildspec: phase ${name} has no commands`, path));
      }
    }
    return read;
  }

  #noteRuntimes(value: unknown): void {
    const runtimes = this.#map(value, ['phases', 'install', 'runtime-versions']);
    if (runtimes === undefined) return;
    const named = Object.entries(runtimes).map(([runtime, version]) => `${runtime} ${String(version)}`);
    this.#notices.push(
      `Skipping install of runtimes (${named.join(', ')}). Runtime version selection is not supported by this build image: commands use what the machine has`,
    );
  }

  #onFailure(value: unknown, path: Path): OnFailure | undefined {
    const text = this.#text(value, [...path, 'on-failure'])?.toUpperCase();
    if (text === undefined || text === 'ABORT' || text === 'CONTINUE') return text;
    if (text.startsWith('RETRY'))
      throw new Mistake(this.#at('on-failure: RETRY is not implemented by Sluice', [...path, 'on-failure']));
    throw new Mistake(this.#at(`invalid on-failure ${text}. Expecting: ABORT or CONTINUE`, [...path, 'on-failure']));
  }

  #commands(value: unknown, path: Path, label: string): string[] {
    if (value === undefined || value === null || value === '') return [];
    if (typeof value === 'string') return [value];
    if (!Array.isArray(value)) throw new Mistake(this.#at(`Expected ${label} to be a list of strings`, path));
    return value.map((command: unknown, index) => {
      if (typeof command === 'string') return command;
      const line = this.#lineOf([...path, index]);
      const where =
        line === undefined ? '' : ` at line ${line}, value of the key tag on line ${line - 1} might be empty`;
      const found = Array.isArray(command) ? 'a list' : 'subkeys';
      throw new Mistake(`Expected ${label}[${index}] to be of string type: found ${found} instead${where}`);
    });
  }

  #artifacts(value: Record<string, unknown>, path: Path, filesOptional: boolean): ArtifactFiles {
    const files = this.#list(value['files'], [...path, 'files']);
    if (files.length === 0 && !filesOptional)
      throw new Mistake(this.#at('invalid buildspec: artifacts need a list of files', path));
    const baseDirectory = this.#text(value['base-directory'], [...path, 'base-directory']);
    const name = this.#text(value['name'], [...path, 'name']);
    const s3Prefix = this.#text(value['s3-prefix'], [...path, 's3-prefix']);
    return {
      files,
      excludePaths: this.#list(value['exclude-paths'], [...path, 'exclude-paths']),
      discardPaths: this.#flag(value['discard-paths'], [...path, 'discard-paths']),
      enableSymlinks: this.#flag(value['enable-symlinks'], [...path, 'enable-symlinks']),
      ...(baseDirectory ? { baseDirectory } : {}),
      ...(name ? { name } : {}),
      ...(s3Prefix ? { s3Prefix } : {}),
    };
  }

  #shell(value: unknown): 'sh' | 'bash' {
    const shell = this.#text(value, ['env', 'shell']) ?? 'sh';
    if (shell === 'bash' || shell === '/bin/bash') return 'bash';
    if (shell === 'sh' || shell === '/bin/sh') return 'sh';
    throw new Mistake(
      this.#at(`the shell ${shell} is not implemented by Sluice. Expecting: sh or bash`, ['env', 'shell']),
    );
  }

  #variables(value: unknown, section: string): Record<string, string> {
    const variables = this.#map(value, ['env', section]) ?? {};
    return Object.fromEntries(
      Object.entries(variables).map(([name, given]) => {
        const path = ['env', section, name];
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
          throw new Mistake(this.#at(`invalid environment variable name ${name}`, path));
        if (name.startsWith('CODEBUILD_'))
          throw new Mistake(this.#at(`environment variable names must not start with CODEBUILD_: ${name}`, path));
        return [name, this.#text(given, path) ?? ''];
      }),
    );
  }

  #list(value: unknown, path: Path): string[] {
    if (value === undefined || value === null || value === '') return [];
    if (typeof value === 'string') return [value];
    if (!Array.isArray(value)) throw new Mistake(this.#at(`Expected ${path.join('.')} to be a list of strings`, path));
    return value.map((item: unknown, index) => {
      if (typeof item !== 'string')
        throw new Mistake(this.#at(`Expected ${path.join('.')}[${index}] to be of string type`, [...path, index]));
      return item;
    });
  }

  #flag(value: unknown, path: Path): boolean {
    const text = this.#text(value, path)?.toLowerCase();
    if (text === undefined || text === '' || ['no', 'false', 'off'].includes(text)) return false;
    if (['yes', 'true', 'on'].includes(text)) return true;
    throw new Mistake(this.#at(`Expected ${path.join('.')} to be yes or no, found ${text}`, path));
  }

  #map(value: unknown, path: Path): Record<string, unknown> | undefined {
    if (value === undefined || value === null || value === '') return undefined;
    if (!isMap(value)) throw new Mistake(this.#at(`Expected ${path.join('.')} to be a map`, path));
    return value;
  }

  #text(value: unknown, path: Path): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return value;
    throw new Mistake(this.#at(`Expected ${path.join('.')} to be of string type`, path));
  }

  #at(message: string, path: Path): string {
    const line = this.#lineOf(path);
    return line === undefined ? message : `${message} at line ${line}`;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How many phases the file has, as the log tells it. */
export function phaseCount(buildspec: Buildspec): number {
  return COMMAND_PHASES.filter((phase) => buildspec.phases[phase] !== undefined).length;
}
