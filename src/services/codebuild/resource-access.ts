/** What CodeBuild knows of a project named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { projectKey, projects } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  const [, name] = /^project\/(.+)$/.exec(parsed?.resource ?? '') ?? [];
  if (parsed?.service !== 'codebuild' || name === undefined) return undefined;
  const project = (await projects.get(house.store, projectKey(parsed, name)))?.document;
  if (project === undefined) return undefined;
  const tags = Object.fromEntries(project.tags.map(({ key = '', value = '' }) => [key, value]));
  return { resourceAccount: parsed.account, context: resourceTagKeys(tags) };
}
