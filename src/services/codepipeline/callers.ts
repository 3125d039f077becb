/** Who a call comes from, as CodePipeline records it. */
import { parseArn } from '../../common/index.ts';
import type { Call } from '../service.ts';
import type { Trigger } from '../../core/pipeline-execution/index.ts';

export function callerArn(call: Call): string {
  const { principal } = call;
  if ('arn' in principal) return principal.arn;
  return principal.type === 'Service' ? principal.service : 'anonymous';
}

/**
 * What started an execution by StartPipelineExecution: a call, or an EventBridge rule. A rule calls as a session of its
 * target's role; that it is behind the call, EventBridge says in the call's context.
 */
export function triggerOf(call: Call): Trigger {
  const source = call.context?.['aws:SourceArn'];
  if (typeof source === 'string' && parseArn(source)?.service === 'events') {
    return { type: 'CloudWatchEvent', detail: source };
  }
  return { type: 'StartPipelineExecution', detail: callerArn(call) };
}
