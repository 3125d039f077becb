/** What each call needs to be allowed. Source: Service Authorization Reference, "Actions for AWS CodePipeline". */
import { type AccessRequest, parseArn, type RequestContext } from '../../common/index.ts';
import type { ActionTypeId } from '../../core/pipeline-definition/index.ts';
import { passRole } from '../pass-role.ts';
import type { Call } from '../service.ts';

/** `path` is the pipeline's name, or `pipeline/stage`, or `pipeline/stage/action`. */
export function access(
  action: string,
  call: Call,
  path: readonly (string | undefined)[],
  context: RequestContext = {},
): AccessRequest[] {
  const resource = call.arn('codepipeline', path.map((part) => part ?? '').join('/'));
  return [{ action: `codepipeline:${action}`, resource, context }];
}

export function typeAccess(
  action: string,
  call: Call,
  id: Partial<ActionTypeId> | undefined,
  context: RequestContext = {},
): AccessRequest[] {
  const { owner = 'Custom', category = '', provider = '', version = '' } = id ?? {};
  const resource = call.arn('codepipeline', `actiontype:${owner}/${category}/${provider}/${version}`);
  return [{ action: `codepipeline:${action}`, resource, context }];
}

type Roles = Readonly<{
  name?: string | undefined;
  roleArn?: string | undefined;
  stages?:
    | readonly Readonly<{ actions?: readonly Readonly<{ roleArn?: string | undefined }>[] | undefined }>[]
    | undefined;
}>;

/** The pipeline's role, and those of actions in the same account; one in another account is assumed, and passed by nobody. */
export function passRoles(pipeline: Roles | undefined, call: Call): readonly AccessRequest[] {
  const stages = Array.isArray(pipeline?.stages) ? pipeline.stages : [];
  const ofActions = stages
    .flatMap((stage) => (Array.isArray(stage?.actions) ? stage.actions : []))
    .map((action) => action?.roleArn)
    .filter((roleArn) => typeof roleArn === 'string' && parseArn(roleArn)?.account === call.account);
  const associated = call.arn('codepipeline', pipeline?.name ?? '');
  return [...new Set([pipeline?.roleArn, ...ofActions])].flatMap((roleArn) =>
    passRole(roleArn, 'codepipeline.amazonaws.com', associated),
  );
}

type Tag = Readonly<{ key?: string | undefined; value?: string | undefined }>;

export function tagContext(tags: readonly Tag[] | undefined): RequestContext {
  if (tags === undefined || tags.length === 0) return {};
  return {
    'aws:TagKeys': tags.map((tag) => tag.key ?? ''),
    ...Object.fromEntries(tags.map((tag) => [`aws:RequestTag/${tag.key ?? ''}`, tag.value ?? ''])),
  };
}
