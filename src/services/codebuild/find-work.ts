import type { House } from '../service.ts';
import type { Work } from '../work.ts';
import { builds, buildUuid, projectArn } from './records.ts';

/** A build, by its id or ARN. */
export async function findWork(idOrArn: string, house: House): Promise<Work | undefined> {
  const id = /^arn:[^:]*:codebuild:[^:]*:\d{12}:build\/(.+)$/.exec(idOrArn)?.[1] ?? idOrArn;
  if (!/^[^:\s]+:[0-9a-f-]{36}$/.test(id)) return undefined;
  const found = (await builds.list(house.store, { idPrefix: id })).find(({ key }) => key.id === id);
  if (found === undefined) return undefined;
  const { key, document: build } = found;
  const { account, region } = key;
  const { projectName } = build.definition;
  const failed = build.phases.filter(({ status }) => status !== undefined && status !== 'SUCCEEDED');
  const phase = failed.find(({ contexts = [] }) => contexts.some(({ message }) => message !== '')) ?? failed[0];
  return {
    kind: 'build',
    id,
    name: projectName,
    account,
    region,
    status: build.status,
    failures:
      build.endedAt === undefined || build.status === 'SUCCEEDED'
        ? []
        : [
            {
              ...(phase !== undefined && { part: phase.phaseType }),
              message: phase?.contexts?.find(({ message }) => message !== '')?.message ?? build.status,
              from: build.startedAt,
              until: build.endedAt,
              accounts: [account],
              sessionNames: [`AWSCodeBuild-${buildUuid(id)}`],
              sourceArns: [projectArn(key, projectName)],
            },
          ],
  };
}
