/**
 * One run of a build in this process: performs phase after phase and reports each to the engine, which says what comes
 * next. All its processes belong to one folder and one label, and `kill` ends them all.
 *
 * Build time is the machine's: `timeoutInMinutes` counts real minutes, whatever the clock mode (docs/adr: processes run
 * in real time).
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HEX, isAwsError, MINUTE_MS, own } from '../../../common/index.ts';
import {
  type BuildEvent,
  COMMAND_PHASES,
  type CommandPhase,
  currentPhase,
  isFinal,
  type OnFailure,
  type PhaseContext,
  type RunPhase,
} from '../../../core/build/index.ts';
import { type Buildspec, phaseCount } from '../../../core/buildspec/index.ts';
import type { ProcessHandle } from '../../../runtimes/index.ts';
import type { DocumentKey } from '../../../store/index.ts';
import type { House } from '../../service.ts';
import { untilHeard } from '../../until-heard.ts';
import type { Facts } from '../build-shape.ts';
import { type Build, BUILD_LOOP, buildUuid } from '../records.ts';
import { uploadArtifacts } from './artifacts.ts';
import { BuildLog } from './build-log.ts';
import { type BuildVariables, commandEnvironment, gitHelper, type Places, resolveVariables } from './environment.ts';
import { findBuildspec } from './find-buildspec.ts';
import { Masker } from './masking.ts';
import { isPhaseFailure, PhaseFailure } from './phase-failure.ts';
import { RoleSession } from './role-session.ts';
import { uploadLog } from './s3-log.ts';
import { BuildShell } from './shell.ts';
import { fetchSource } from './sources.ts';

type Outcome = Readonly<{ contexts: readonly PhaseContext[]; failed: boolean; onFailure?: OnFailure; facts?: Facts }>;

const DONE: Outcome = { contexts: [], failed: false };

export class BuildRun {
  readonly number: number;
  readonly #house: House;
  readonly #key: DocumentKey;
  readonly #places: Places;
  readonly #controlDir: string;
  readonly #scratchDir: string;
  readonly #masker = new Masker();
  readonly #role: RoleSession;
  readonly #log: BuildLog;
  readonly #logTarget: Readonly<{ groupName: string; streamName: string }> | undefined;
  readonly #logFile: string | undefined;
  readonly #processes = new Set<ProcessHandle>();
  #build: Build;
  #buildspec: Buildspec | undefined;
  #variables: BuildVariables | undefined;
  #resolvedSourceVersion: string | undefined;
  #shell: BuildShell | undefined;
  #killed = false;
  #ended: Promise<void> = Promise.resolve();
  #killing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(house: House, key: DocumentKey, build: Build, buildDir: string) {
    this.number = build.run;
    this.#house = house;
    this.#key = key;
    this.#build = build;
    const { definition } = build;
    this.#places = {
      buildDir,
      sourceDir: join(buildDir, 'src'),
      secondaryDirs: Object.fromEntries(
        definition.secondarySources.map(({ sourceIdentifier = '' }) => [
          sourceIdentifier,
          join(buildDir, `src_${sourceIdentifier}`),
        ]),
      ),
    };
    this.#controlDir = join(buildDir, '.codebuild');
    this.#scratchDir = join(buildDir, '.scratch');
    this.#role = new RoleSession(house, key, build, (session) =>
      this.#masker.add(session.accessKeyId, session.secretAccessKey, session.sessionToken),
    );
    this.#logTarget = logTarget(build);
    this.#logFile =
      definition.logsConfig?.s3Logs?.status === 'ENABLED' ? join(this.#scratchDir, 'build.log') : undefined;
    this.#log = new BuildLog({
      house,
      masker: this.#masker,
      client: () => this.#role.client(),
      ...(this.#logTarget === undefined ? {} : { target: this.#logTarget }),
      ...(this.#logFile === undefined ? {} : { file: this.#logFile }),
    });
  }

  /** Begins; the phases are reported as they end. */
  start(): void {
    const endActivity = this.#house.engine.beginActivity();
    this.#timer = setTimeout(() => void this.#runOutOfTime(), this.#build.definition.timeoutInMinutes * MINUTE_MS);
    this.#ended = this.#perform()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        clearTimeout(this.#timer);
        endActivity();
      });
  }

  /** Ends the processes and reports nothing more. Resolves when all is quiet; again, or late: harmless. */
  kill(): Promise<void> {
    this.#killed = true;
    this.#killing ??= this.#endAll();
    return this.#killing;
  }

  async #endAll(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([this.#shell?.close(), ...[...this.#processes].map((handle) => handle.kill())]);
    await this.#ended;
    // The shell may have been started in the meantime.
    await this.#shell?.close();
    await this.#log.flush().catch(() => {});
    this.#log.abandon();
  }

  async #runOutOfTime(): Promise<void> {
    if (this.#killed) return;
    this.#log.container('Build has timed out.');
    await this.kill();
    await this.#submit({ type: 'RanOutOfTime', run: this.number });
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#killed) return;
    this.#house.log.error('a build could not be run', { build: this.#build.id, error: String(error) });
    await this.#shell?.close(0);
    const message = this.#masker.mask(error instanceof Error ? error.message : String(error));
    await this.#submit({ type: 'RunnerFailed', run: this.number, message }).catch(() => {});
  }

  async #submit(event: BuildEvent): Promise<Build | undefined> {
    const { engine, config } = this.#house;
    const build = await untilHeard(config, () => engine.submit<Build>(BUILD_LOOP, this.#key, event));
    if (build !== undefined) this.#build = build;
    return build;
  }

  async #perform(): Promise<void> {
    for (let phase = currentPhase(this.#build); !this.#killed; phase = currentPhase(this.#build)) {
      const outcome = await this.#outcomeOf(phase as RunPhase);
      if (this.#killed) return;
      const event: BuildEvent = {
        type: 'PhaseEnded',
        run: this.number,
        phase: phase as RunPhase,
        failed: outcome.failed,
        contexts: outcome.contexts.map(({ statusCode, message }) => ({
          statusCode,
          message: this.#masker.mask(message),
        })),
        ...(outcome.onFailure === undefined ? {} : { onFailure: outcome.onFailure }),
        // Plain data: SDK shapes without dates.
        ...(outcome.facts === undefined ? {} : { facts: JSON.parse(JSON.stringify(outcome.facts)) }),
      };
      const build = await this.#submit(event);
      if (build === undefined || isFinal(build) || build.run !== this.number) return;
    }
  }

  async #outcomeOf(phase: RunPhase): Promise<Outcome> {
    let outcome: Outcome;
    try {
      outcome = await this.#performPhase(phase);
    } catch (error) {
      if (!isPhaseFailure(error)) throw error;
      outcome = { failed: true, contexts: [{ statusCode: error.statusCode, message: error.message }] };
    }
    if (phase !== 'PROVISIONING' && phase !== 'FINALIZING' && !this.#killed) this.#tellEnd(phase, outcome);
    return outcome;
  }

  #performPhase(phase: RunPhase): Promise<Outcome> {
    switch (phase) {
      case 'PROVISIONING':
        return this.#provision();
      case 'DOWNLOAD_SOURCE':
        return this.#downloadSource();
      case 'UPLOAD_ARTIFACTS':
        return this.#uploadArtifacts();
      case 'FINALIZING':
        return this.#finalize();
      default:
        return this.#runCommands(phase);
    }
  }

  #tellEnd(phase: RunPhase, { failed, contexts, onFailure }: Outcome): void {
    const ends =
      failed && (phase === 'INSTALL' || phase === 'PRE_BUILD' ? onFailure !== 'CONTINUE' : onFailure === 'ABORT');
    const state = failed ? (ends ? 'FAILED_WITH_ABORT' : 'FAILED') : 'SUCCEEDED';
    this.#log.container(`Phase complete: ${phase} State: ${state}`);
    const [context] = contexts;
    this.#log.container(`Phase context status code: ${context?.statusCode ?? ''} Message: ${context?.message ?? ''}`);
  }

  /** The folder, the role and the log. */
  async #provision(): Promise<Outcome> {
    const { buildDir, sourceDir } = this.#places;
    await rm(buildDir, { recursive: true, force: true });
    for (const folder of [sourceDir, this.#controlDir, this.#scratchDir, join(buildDir, 'tmp')]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
    const { serviceRole } = this.#build.definition;
    try {
      await this.#role.session();
    } catch (error) {
      if (!isAwsError(error)) throw error;
      this.#log.abandon();
      throw new PhaseFailure(
        'ACCESS_DENIED',
        `CodeBuild is not authorized to perform: sts:AssumeRole on ${serviceRole}`,
      );
    }
    try {
      await this.#log.open();
    } catch (error) {
      if (!isAwsError(error)) throw error;
      this.#log.abandon();
      throw new PhaseFailure(
        'ACCESS_DENIED',
        `Service role ${serviceRole} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build ${this.#build.arn}. Error message: ${error.message}`,
      );
    }
    this.#log.container('Running on CodeBuild On-demand (Sluice: processes of this machine)');
    this.#log.container('Waiting for DOWNLOAD_SOURCE');
    return { ...DONE, facts: this.#logTarget === undefined ? {} : { logs: this.#logTarget } };
  }

  async #downloadSource(): Promise<Outcome> {
    const { definition } = this.#build;
    this.#log.container('Phase is DOWNLOAD_SOURCE');
    const tools = {
      client: () => this.#role.client(),
      git: (cwd: string, args: readonly string[]) => this.#git(cwd, args),
      scratchDir: this.#scratchDir,
      endpoint: this.#house.config.endpoint(),
      region: this.#key.region,
      digests: definition.sourceDigests ?? {},
    };
    const primary = await fetchSource(
      definition.source,
      definition.sourceVersion,
      this.#places.sourceDir,
      'primary source',
      tools,
    );
    this.#resolvedSourceVersion = definition.pipelineRevision ?? primary.resolvedVersion;
    const versions = new Map(
      definition.secondarySourceVersions.map((each) => [each.sourceIdentifier, each.sourceVersion]),
    );
    for (const source of definition.secondarySources) {
      const id = source.sourceIdentifier ?? '';
      const into = this.#places.secondaryDirs[id] ?? '';
      await fetchSource(source, versions.get(id) || undefined, into, `secondary source ${id}`, tools);
    }
    this.#log.container(`CODEBUILD_SRC_DIR=${this.#places.sourceDir}`);
    const { buildspec, location } = await findBuildspec(
      definition.source.buildspec,
      this.#places.sourceDir,
      tools.client,
    );
    this.#buildspec = buildspec;
    this.#log.container(`YAML location is ${location}`);
    this.#log.container('Processing environment variables');
    this.#variables = await resolveVariables(definition, buildspec, await tools.client(), this.#masker);
    for (const notice of buildspec.notices) this.#log.container(notice);
    this.#log.container(`Moving to directory ${this.#places.sourceDir}`);
    this.#log.container(`Phases found in YAML: ${phaseCount(buildspec)}`);
    for (const phase of COMMAND_PHASES) {
      const commands = buildspec.phases[phase];
      if (commands !== undefined)
        this.#log.container(` ${phase}: ${commands.commands.length + commands.finally.length} commands`);
    }
    return {
      ...DONE,
      facts: this.#resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion: this.#resolvedSourceVersion },
    };
  }

  /** Commands until one fails, then `finally`; a failure in either fails the phase, with the first one's context. */
  async #runCommands(phase: CommandPhase): Promise<Outcome> {
    const spec = this.#buildspec?.phases[phase];
    this.#log.container(`Entering phase ${phase}`);
    let context: PhaseContext | undefined;
    if (spec !== undefined) {
      const shell = await this.#openShell();
      context = await this.#runList(shell, spec.commands);
      const last = this.#killed ? undefined : await this.#runList(shell, spec.finally);
      context ??= last;
      if (context !== undefined) await this.#silently(shell, 'export CODEBUILD_BUILD_SUCCEEDING=0');
    }
    const exported =
      phase === 'POST_BUILD' && !this.#killed ? { exportedVariables: await this.#exportedVariables() } : undefined;
    return {
      failed: context !== undefined,
      contexts: context === undefined ? [] : [context],
      ...(spec?.onFailure === undefined ? {} : { onFailure: spec.onFailure }),
      ...(exported === undefined ? {} : { facts: exported }),
    };
  }

  async #runList(shell: BuildShell, commands: readonly string[]): Promise<PhaseContext | undefined> {
    for (const command of commands) {
      if (this.#killed) return undefined;
      this.#log.container(`Running command ${command.trimEnd()}`);
      const status = await shell.run(command);
      if (this.#killed) return undefined;
      if (status !== 0) {
        this.#log.container(`Command did not exit successfully ${command.trimEnd()} exit status ${status}`);
        return {
          statusCode: 'COMMAND_EXECUTION_ERROR',
          message: `Error while executing command: ${command.trimEnd()}. Reason: exit status ${status}`,
        };
      }
    }
    return undefined;
  }

  async #silently(shell: BuildShell, command: string): Promise<void> {
    if (!this.#killed) await shell.run(command);
  }

  /** Not those of AWS's own names, nor values that came from a parameter or a secret. */
  async #exportedVariables(): Promise<{ name: string; value: string }[]> {
    const names = (this.#buildspec?.exportedVariables ?? []).filter(
      (name) => !name.startsWith('AWS_') && this.#variables?.secretNames.has(name) !== true,
    );
    if (names.length === 0) return [];
    const values = await (await this.#openShell()).values(names);
    return values.filter(({ value }) => !this.#masker.isSecret(value));
  }

  async #uploadArtifacts(): Promise<Outcome> {
    const { definition } = this.#build;
    const buildspec = this.#buildspec;
    if (buildspec === undefined) return DONE;
    const primary = definition.artifacts.type === 'NO_ARTIFACTS' ? undefined : buildspec.artifacts;
    if (primary === undefined && definition.secondaryArtifacts.length === 0) return DONE;
    const shell = await this.#openShell();
    const tools = {
      scope: this.#key,
      build: this.#build,
      client: () => this.#role.client(),
      sourceDir: this.#places.sourceDir,
      scratchDir: this.#scratchDir,
      log: (line: string) => this.#log.container(line),
      expand: (text: string) => shell.expand(text),
    };
    const facts: { artifacts?: Facts['artifacts']; secondaryArtifacts?: Facts['secondaryArtifacts'] } = {};
    if (primary !== undefined && primary.files.length > 0) {
      facts.artifacts = await uploadArtifacts(primary, definition.artifacts, tools);
    }
    const secondary: NonNullable<Facts['secondaryArtifacts']> = [];
    for (const wanted of definition.secondaryArtifacts) {
      const spec = own(buildspec.secondaryArtifacts, wanted.artifactIdentifier ?? '');
      if (spec !== undefined) secondary.push(await uploadArtifacts(spec, wanted, tools));
    }
    if (secondary.length > 0) facts.secondaryArtifacts = secondary;
    return { ...DONE, facts };
  }

  async #finalize(): Promise<Outcome> {
    await this.#shell?.close(0);
    await this.#log.flush();
    if (this.#logFile === undefined) return DONE;
    const location = this.#build.definition.logsConfig?.s3Logs?.location ?? '';
    const encrypted = this.#build.definition.logsConfig?.s3Logs?.encryptionDisabled !== true;
    const s3LogsArn = await uploadLog({
      file: this.#logFile,
      location,
      name: buildUuid(this.#build.id),
      client: () => this.#role.client(),
      ...(encrypted ? { encryptionKey: this.#build.definition.encryptionKey } : {}),
      scope: this.#key,
    });
    return { ...DONE, facts: { logs: { ...this.#logTarget, s3LogsArn } } };
  }

  /** Opened when the first command needs it. */
  async #openShell(): Promise<BuildShell> {
    if (this.#shell !== undefined) return this.#shell;
    const buildspec = this.#buildspec;
    if (buildspec === undefined) throw new PhaseFailure('YAML_FILE_ERROR', 'YAML file does not exist');
    this.#shell = new BuildShell({
      token: this.#house.ids.text(32, HEX),
      runtime: this.#house.runtime,
      shell: buildspec.shell,
      controlDir: this.#controlDir,
      cwd: this.#places.sourceDir,
      env: commandEnvironment({
        house: this.#house,
        scope: this.#key,
        build: this.#build,
        buildspec,
        variables: this.#variables?.values ?? {},
        session: await this.#role.session(),
        places: this.#places,
        resolvedSourceVersion: this.#resolvedSourceVersion,
        logStream: this.#logTarget?.streamName,
      }),
      label: `codebuild:${this.#build.arn}`,
      onOutput: (chunk) => this.#log.output(chunk),
    });
    return this.#shell;
  }

  async #git(
    cwd: string,
    args: readonly string[],
  ): Promise<{ exit: Awaited<ProcessHandle['exited']>; output: string }> {
    if (this.#killed) throw new PhaseFailure('CLIENT_ERROR', 'the build was stopped');
    const session = await this.#role.session();
    const chunks: Buffer[] = [];
    const handle = await this.#house.runtime.start({
      command: ['git', ...args],
      cwd,
      env: {
        PATH: this.#house.config.searchPath,
        HOME: this.#scratchDir,
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        AWS_REGION: this.#key.region,
        AWS_ENDPOINT_URL: this.#house.config.endpoint(),
        AWS_ACCESS_KEY_ID: session.accessKeyId,
        AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
        AWS_SESSION_TOKEN: session.sessionToken,
        ...gitHelper(this.#house, true),
      },
      label: `codebuild:${this.#build.arn}`,
      onOutput: (_stream, chunk) => void chunks.push(Buffer.from(chunk)),
    });
    this.#processes.add(handle);
    if (this.#killed) await handle.kill();
    const exit = await handle.exited;
    this.#processes.delete(handle);
    return { exit, output: this.#masker.mask(Buffer.concat(chunks).toString('utf8')) };
  }
}

export function logTarget(
  build: Pick<Build, 'id' | 'definition'>,
): { groupName: string; streamName: string } | undefined {
  const { logsConfig, projectName } = build.definition;
  const { status, groupName, streamName } = logsConfig?.cloudWatchLogs ?? { status: 'ENABLED' as const };
  if (status === 'DISABLED') return undefined;
  const uuid = buildUuid(build.id);
  return {
    groupName: groupName || `/aws/codebuild/${projectName}`,
    streamName: streamName ? `${streamName}/${uuid}` : uuid,
  };
}
