/**
 * Builds the house: store, engine, services, door, clock; in the order in which each needs the other, and takes it
 * down in the reverse. A reset builds a new one behind the same port.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, type Ids, ManualClock, seededIds } from '../common/index.ts';
import { LoopEngine, type RunningEngine } from '../engine/index.ts';
import { type Models, openAuthorizationReference, openModels } from '../protocol/index.ts';
import { openProcessRuntime, type Runtime } from '../runtimes/index.ts';
import type { House, Identity, Log, ServiceDefinition } from '../services/index.ts';
import { createIdentity } from '../services/iam/index.ts';
import { controlsOf } from '../services/organizations/index.ts';
import {
  type Blobs,
  clientOf,
  type Membership,
  onlyMember,
  openFolderBlobs,
  openMembership,
  openStateFolder,
  openStore,
  type StateFolder,
  type Store,
} from '../store/index.ts';
import { AuditTrail } from './audit.ts';
import { Authorizer, type OnDecision } from './authorizer.ts';
import { CallContext, resourceTags, withCallContext } from './call-context.ts';
import { AutoStepper, type ClockMode, formatClockMode, RunningClock, Stepper } from './clocks.ts';
import type { ServerConfig } from './config.ts';
import { crashingBlobs, crashingStore, crashPoints } from './crash-points.ts';
import { TheDoor } from './door.ts';
import { keepScaledClock, openClock, type OpenClock, writeClock } from './open-clock.ts';
import { loadServices } from './registry.ts';
import { Remotes } from './remotes/remotes.ts';
import { openRootKey } from './secrets/root-key.ts';
import { sealerOf } from './secrets/sealer.ts';
import { checkSharedFolder } from './shared-folder.ts';
import { killSelf, machinePath, systemIds, wallNow as machineNow, wallTimer as machineTimer } from './system.ts';

export interface OpenHouse {
  readonly house: House;
  readonly door: TheDoor;
  readonly engine: RunningEngine;
  readonly services: ReadonlyMap<string, ServiceDefinition>;
  readonly models: Models;
  readonly identity: Identity;
  readonly authorizer: Authorizer;
  readonly audit: AuditTrail;
  readonly clockMode: ClockMode;
  readonly ephemeral: boolean;
  readonly version: string;
  readonly wallNow: () => number;
  /** Manual and automatic clocks only. */
  readonly advance: ((ms: number) => Promise<void>) | undefined;
  /** Ephemeral houses only; set by the server. */
  reset?: () => Promise<void>;
  close(): Promise<void>;
}

/**
 * What the house is otherwise made of the machine: a simulation gives its own, so that the same house runs under a seed.
 * A part that is given is its giver's to close.
 */
export type HouseParts = Readonly<{
  /** In place of the lock on `stateDir`. */
  folder?: StateFolder;
  store?: Store;
  blobs?: Blobs;
  /** Who shares the store. Absent: whoever the store's kind says. */
  members?: Membership;
  runtime?: Runtime;
  /** Whoever gives a clock moves it: `advance` is absent then. */
  clock?: Clock;
  ids?: Ids;
  /** As `loadServices` gives them, in place of those that the configuration names. */
  services?: ReadonlyMap<string, ServiceDefinition>;
  models?: Models;
  wallNow?: () => number;
  wallTimer?: (callback: () => void, delayMs: number) => () => void;
  /** Sees every decision of the authorizer. */
  onDecision?: OnDecision;
}>;

/** `endpoint` is asked when a child process needs it: the port is known only once the listener is up. */
export async function openHouse(
  config: ServerConfig,
  log: Log,
  endpoint: () => string,
  parts: HouseParts = {},
): Promise<OpenHouse> {
  const wallNow = parts.wallNow ?? machineNow;
  const wallTimer = parts.wallTimer ?? machineTimer;
  const temporary = config.ephemeral && parts.folder === undefined ? mkdtempSync(join(tmpdir(), 'sluice-')) : undefined;
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  if (temporary !== undefined) closers.push(() => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
  try {
    const folder = parts.folder ?? (await openStateFolder(temporary ?? config.stateDir));
    if (parts.folder === undefined) closers.push(() => folder.release());
    const crash = crashPoints(config.crashAt, killSelf);
    const [loaded, opened] = await Promise.all([
      parts.services ?? loadServices(config.services),
      parts.store ??
        openStore({
          kind: config.store,
          url: config.databaseUrl,
          stateDir: folder.path,
          ephemeral: config.ephemeral,
          migrationsDir: join(config.packageDir, 'migrations'),
          searchPath: machinePath(),
          wallNow,
          log,
          ...(crash && { onMigrated: () => crash('AfterMigration') }),
        }),
    ]);
    if (parts.store === undefined) closers.push(() => opened.close());
    const store = crash === undefined ? opened : crashingStore(opened, crash);
    const runtime = parts.runtime ?? openProcessRuntime({ ledgerDir: join(folder.path, 'processes'), log });
    if (parts.runtime === undefined) closers.push(() => runtime.close());
    const ended = await runtime.endOrphans();
    if (ended.length > 0) log.warn('ended processes that an earlier run left', { labels: ended });
    const ids = parts.ids ?? (config.seed === undefined ? systemIds() : seededIds(config.seed));
    const sharedDir = config.ephemeral ? folder.path : (config.sharedDir ?? folder.path);
    const clockSetting = { mode: config.clock, startAt: config.clockStartAt, wallNow };
    let opening: OpenClock | undefined = parts.clock && { clock: parts.clock, anchor: undefined };
    let members = parts.members;
    if (
      members === undefined &&
      store.kind === 'url' &&
      config.databaseUrl !== undefined &&
      parts.store === undefined
    ) {
      members = await openMembership({
        store,
        client: clientOf(config.databaseUrl),
        about: { host: hostname(), pid: process.pid, clock: formatClockMode(config.clock) },
        wallNow,
        wallTimer,
        log,
        admit: async (tx, others) => {
          if (!config.ephemeral) await checkSharedFolder(tx, sharedDir, () => ids.uuid());
          opening = await openClock(clockSetting, tx, others);
        },
      });
    }
    if (parts.members === undefined && members !== undefined) closers.push(() => members?.close());
    crash?.('AfterJoin');
    const { clock, anchor } = (opening ??= await openClock(clockSetting, store, []));
    if (parts.clock === undefined && clock instanceof RunningClock) closers.push(() => clock.close());
    if (parts.clock === undefined && config.clock.kind === 'scaled') {
      const isLast = async (): Promise<boolean> => members === undefined || members.isAlone();
      closers.push(keepScaledClock(store, { clock, anchor }, config.clock.factor, wallTimer, isLast));
    }
    const rootKey = await openRootKey(config.masterSecret, { store, stateDir: sharedDir, ids, wallNow });
    const modelsDir = join(config.packageDir, 'models');
    const models = parts.models ?? openModels(modelsDir);
    const services = withCallContext(loaded, new CallContext(models, openAuthorizationReference(modelsDir)));
    const alone = members?.exclusive ?? store.kind !== 'url';
    const self = members ?? onlyMember(ids.uuid());
    const engine = new LoopEngine({
      store,
      clock,
      wallNow,
      wallTimer,
      owner: self.self,
      alone,
      ...(members !== undefined && !members.exclusive && { members }),
      ...(crash && { crashPoint: crash }),
      historyTurns: config.historyTurns,
      onError: (message, error) => log.warn(message, { error: error instanceof Error ? error.message : String(error) }),
    });
    const audit = new AuditTrail(store, wallTimer, (error) =>
      log.error('the audit trail could not be written', { error: String(error) }),
    );
    const lateHouse: { house?: House } = {};
    const identity = createIdentity(() => lateHouse.house as House);
    const authorizer = new Authorizer(
      identity,
      config.account,
      (account) => controlsOf(lateHouse.house as House, account),
      (request) => resourceTags(services, request, lateHouse.house as House),
      parts.onDecision,
    );
    const remotes = new Remotes(config.remotes, models, wallNow);
    closers.push(() => remotes.close());
    const onHandled = crash && (() => crash('AfterHandler'));
    const door = new TheDoor({ services, models, authorizer, audit, remotes, ...(onHandled && { onHandled }) });
    const blobs = parts.blobs ?? (await openFolderBlobs(join(sharedDir, 'blobs')));
    const house: House = {
      store,
      blobs: crash === undefined ? blobs : crashingBlobs(blobs, crash),
      members: self,
      engine,
      clock,
      ids,
      door,
      runtime,
      log,
      controlsOf: (account) => controlsOf(house, account),
      secrets: sealerOf(rootKey, (bytes) => ids.bytes(bytes)),
      config: {
        defaultAccount: config.account,
        defaultRegion: config.region,
        endpoint,
        stateDir: folder.path,
        sharedDir,
        assetsDir: join(config.packageDir, 'assets'),
        searchPath: machinePath(),
        ...(config.concurrentBuilds === undefined ? {} : { concurrentBuilds: config.concurrentBuilds }),
        ...(config.judge === undefined ? {} : { judge: config.judge }),
        alarmFitness: config.alarmFitness,
        wallNow,
        wallTimer,
      },
    };
    lateHouse.house = house;
    door.open(house);
    for (const service of services.values()) for (const loop of service.loops?.(house) ?? []) engine.register(loop);
    for (const service of services.values()) {
      await service.start?.(house);
      if (service.stop !== undefined) closers.push(() => service.stop?.(house));
    }
    closers.push(() => audit.flush());
    const stepper =
      clock instanceof ManualClock && parts.clock === undefined
        ? new Stepper(clock, engine, (now) => writeClock(store, now))
        : undefined;
    closers.push(() => engine.stop());
    await engine.start();
    self.watch();
    crash?.('AfterResume');
    if (config.clock.kind === 'auto' && stepper !== undefined) {
      const auto = new AutoStepper(stepper, engine, () => door.callsInFlight() > 0);
      auto.start();
      closers.push(() => auto.stop());
    }
    return {
      house,
      door,
      engine,
      services,
      models,
      identity,
      authorizer,
      audit,
      clockMode: config.clock,
      ephemeral: config.ephemeral,
      version: config.version,
      wallNow,
      advance: config.clock.kind === 'manual' && stepper !== undefined ? (ms) => stepper.advance(ms) : undefined,
      close: closeAll,
    };
  } catch (error) {
    await closeAll().catch(() => {});
    throw error;
  }
}
