/** What CodePipeline knows of a pipeline, or a stage or action of it, named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { pipelines } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'codepipeline' || parsed.resource.includes(':')) return undefined;
  const { account, region } = parsed;
  const [name = ''] = parsed.resource.split('/');
  const pipeline = (await pipelines.get(house.store, { account, region, id: name }))?.document;
  return pipeline && { resourceAccount: account, context: resourceTagKeys(pipeline.tags) };
}
