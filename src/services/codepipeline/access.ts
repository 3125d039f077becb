/** What each call needs to be allowed. Source: Service Authorization Reference, "Actions for AWS CodePipeline". */
import type { AccessRequest, RequestContext } from '../../common/index.ts';
import type { ActionTypeId } from '../../core/pipeline-definition/index.ts';
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

export function passRole(roleArn: string | undefined): AccessRequest[] {
  if (roleArn === undefined) return [];
  return [
    {
      action: 'iam:PassRole',
      resource: roleArn,
      context: { 'iam:PassedToService': 'codepipeline.amazonaws.com' },
    },
  ];
}

type Tag = Readonly<{ key?: string | undefined; value?: string | undefined }>;

export function tagContext(tags: readonly Tag[] | undefined): RequestContext {
  if (tags === undefined || tags.length === 0) return {};
  return {
    'aws:TagKeys': tags.map((tag) => tag.key ?? ''),
    ...Object.fromEntries(tags.map((tag) => [`aws:RequestTag/${tag.key ?? ''}`, tag.value ?? ''])),
  };
}
