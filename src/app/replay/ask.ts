/**
 * `sluice replay`: a past pipeline execution, build, deployment or alarm decided again from its history by the rules of now,
 * as it was at an instant, and as it would have been with something changed. It asks and changes nothing. See docs/adr/0016.
 */
import { AwsError, type EpochMs, isAwsError, parseArn, parseDurationMs } from '../../common/index.ts';
import { isProblem, parseSetting, type Setting } from '../../core/replay/index.ts';
import type { Scope, ServiceDefinition, Work } from '../../services/index.ts';
import { alarmAnswer } from './alarm.ts';
import type { ReplayAnswer } from './answer.ts';
import { buildAnswer } from './build.ts';
import { type Asked, deploymentAnswer } from './deployment.ts';
import { executionAnswer } from './pipeline.ts';
import type { ReplayTools } from './record.ts';

export type ReplayQuery = Readonly<{
  /** The id or ARN of a pipeline execution, build or deployment; the ARN or name of an alarm. */
  subject: string;
  /** An instant (ISO 8601), or how long after its beginning (`PT3M`, with or without a plus). */
  at?: string;
  /** `key=value` each. */
  set: readonly string[];
  /** Of an alarm that is named; absent: the house's own. */
  account?: string;
  region?: string;
}>;

type Tools = ReplayTools & Readonly<{ services: ReadonlyMap<string, ServiceDefinition> }>;

/** Throws `ResourceNotFoundException` (404) for what is not known, `ValidationException` for what cannot be asked so. */
export async function replayOf(tools: Tools, query: ReplayQuery): Promise<ReplayAnswer> {
  const asked = askedBy(query);
  const subject = query.subject.trim();
  const work = await findWork(tools, subject);
  if (work !== undefined) {
    const answer = await workAnswer(tools, work, asked);
    if (answer !== undefined) return answer;
  }
  const answer = work === undefined ? await namedAlarm(tools, query, subject, asked) : undefined;
  if (answer !== undefined) return answer;
  throw new AwsError(
    'ResourceNotFoundException',
    `Nothing is known by the id ${subject}: it is no pipeline execution, build, deployment or alarm.`,
    { statusCode: 404 },
  );
}

async function workAnswer(tools: Tools, work: Work, asked: Asked): Promise<ReplayAnswer | undefined> {
  const { id, name, account, region } = work;
  const own = { id, name, account, region };
  switch (work.kind) {
    case 'deployment': {
      const answer = await deploymentAnswer(tools, work, asked);
      return answer && finished({ ...own, ...answer, parts: [] }, asked);
    }
    case 'build': {
      const answer = await buildAnswer(tools, work, asked);
      return answer && finished({ ...own, ...answer, parts: [] }, asked);
    }
    case 'pipeline execution': {
      const answer = await executionAnswer(tools, work, asked);
      if (answer === undefined) return undefined;
      const { externalIds, ...rest } = answer;
      return finished({ ...own, ...rest, parts: await partsOf(tools, externalIds, asked) }, asked);
    }
    default:
      return undefined;
  }
}

/** What is changed concerns the pipeline alone; its builds and deployments are told as they were. */
async function partsOf(tools: Tools, externalIds: readonly string[], { at }: Asked): Promise<ReplayAnswer['parts']> {
  const parts: ReplayAnswer['parts'][number][] = [];
  for (const id of externalIds) {
    const work = await findWork(tools, id);
    if (work === undefined || work.kind === 'pipeline execution') continue;
    try {
      const part = await workAnswer(tools, work, { settings: [], ...(at !== undefined && { at }) });
      if (part !== undefined) parts.push(part);
    } catch (error) {
      if (!isAwsError(error)) throw error;
      parts.push({ id, unknown: error.message });
    }
  }
  return parts;
}

async function namedAlarm(
  tools: Tools,
  query: ReplayQuery,
  subject: string,
  asked: Asked,
): Promise<ReplayAnswer | undefined> {
  const arn = parseArn(subject);
  const named = arn?.service === 'cloudwatch' ? /^alarm:(.+)$/.exec(arn.resource)?.[1] : undefined;
  if (arn !== undefined && named === undefined) return undefined;
  const { defaultAccount, defaultRegion } = tools.house.config;
  const scope: Scope = {
    account: query.account ?? arn?.account ?? defaultAccount,
    region: query.region ?? arn?.region ?? defaultRegion,
  };
  const name = named ?? subject;
  const answer = await alarmAnswer(tools, scope, name, asked);
  return answer && finished({ id: name, name, ...scope, ...answer, parts: [] }, asked);
}

function finished(answer: Omit<ReplayAnswer, 'differs'>, { at }: Asked): ReplayAnswer {
  const unseen = at !== undefined && answer.instant === undefined;
  const notes = unseen
    ? [...answer.notes, `Nothing is known of that instant: its history begins at ${answer.from}.`]
    : answer.notes;
  const partDiffers = answer.parts.some((part) => 'unknown' in part || !part.same);
  const differs = !answer.same || partDiffers || answer.changed?.same === false;
  return { ...answer, notes, differs };
}

async function findWork({ services, house }: Tools, id: string): Promise<Work | undefined> {
  for (const service of services.values()) {
    const work = await service.findWork?.(id, house);
    if (work !== undefined) return work;
  }
  return undefined;
}

function askedBy({ at, set }: ReplayQuery): Asked {
  const settings = set.map((text): Setting => {
    const setting = parseSetting(text);
    if (isProblem(setting)) throw new AwsError('ValidationException', `--set ${setting.problem}.`);
    return setting;
  });
  return { settings, ...(at !== undefined && { at: instantOf(at) }) };
}

function instantOf(text: string): (startedAt: EpochMs) => EpochMs {
  const offsetMs = parseDurationMs(text.trim().replace(/^\+/, ''));
  if (offsetMs !== undefined) return (startedAt) => startedAt + offsetMs;
  const instant = /^\d{4}-\d{2}-\d{2}T/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN;
  if (Number.isNaN(instant)) {
    throw new AwsError(
      'ValidationException',
      `--at ${text}: expected an instant such as 2026-11-24T06:04:12Z, or how long after its beginning, as PT3M.`,
    );
  }
  return () => instant;
}
