import type { ActionTypeId } from '../../../core/pipeline-definition/index.ts';
import type { ActionProvider } from './action.ts';
import { cloudFormation } from './cloudformation.ts';
import { codeBuild } from './codebuild.ts';
import { codeCommitSource } from './codecommit-source.ts';
import { codeDeploy } from './codedeploy.ts';
import { customAction } from './custom.ts';
import { lambdaInvoke } from './lambda-invoke.ts';
import { manualApproval } from './manual-approval.ts';
import { s3Deploy } from './s3-deploy.ts';
import { s3Source } from './s3-source.ts';

const AWS_PROVIDERS: Readonly<Record<string, ActionProvider>> = {
  'Source/S3': s3Source,
  'Source/CodeCommit': codeCommitSource,
  'Build/CodeBuild': codeBuild,
  'Test/CodeBuild': codeBuild,
  'Approval/Manual': manualApproval,
  'Invoke/Lambda': lambdaInvoke,
  'Deploy/CloudFormation': cloudFormation,
  'Deploy/CodeDeploy': codeDeploy,
  'Deploy/S3': s3Deploy,
};

/** Who runs actions of this type; undefined: nobody here. */
export function providerOf(id: ActionTypeId): ActionProvider | undefined {
  return id.owner === 'Custom' ? customAction : AWS_PROVIDERS[`${id.category}/${id.provider}`];
}

export { type ActionOutcome, ActionFailure, type ActionRun, type ForeseenRun } from './action.ts';
export { codeCommitRevision } from './codecommit-source.ts';
export { INVOKE_AGAIN_MS, lambdaDeadline } from './lambda-invoke.ts';
export { notifyApproval } from './manual-approval.ts';
export { s3Revision } from './s3-source.ts';
