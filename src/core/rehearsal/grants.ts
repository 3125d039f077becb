/**
 * What the actions of a pipeline ask for, as whom, and when: so that each grant can be taken away in a rehearsal.
 *
 * It follows the calls that the providers in `services/codepipeline/actions`, the builds and the deployments make. A running
 * server knows better which grants a pipeline needs (`sluice preflight`); this says what follows where one is missing.
 */
import type { Plan } from './deployment.ts';
import type { Denial } from './faults.ts';
import type { KnownGrant, PipelinePlan, Work } from './pipeline-plan.ts';

/** Who asks: the pipeline (or the role of its action), the role of the build, the role of the deployment group. */
export type Asker = 'pipeline' | 'build' | 'deployment';

/**
 * `Start`: as the action starts. `Look`: as it looks how its build or deployment is getting on. `Source`, `Artifacts`: the
 * build's phases. `Revision`, `Alarms`, `Traffic`, `Hook`: within the deployment.
 */
export type AskedAt = 'Start' | 'Look' | 'Source' | 'Artifacts' | 'Revision' | 'Alarms' | 'Traffic' | 'Hook';

export type Need = Readonly<{ grant: string; by: Asker; when: AskedAt }>;

const pipelineNeeds = (when: AskedAt, ...grants: readonly string[]): readonly Need[] =>
  grants.map((grant) => ({ grant, by: 'pipeline', when }));

const BY_TYPE: Readonly<Record<string, readonly Need[]>> = {
  'Source/S3': pipelineNeeds('Start', 's3:GetObject', 's3:GetBucketVersioning', 's3:PutObject'),
  'Source/CodeCommit': pipelineNeeds(
    'Start',
    'codecommit:GetBranch',
    'codecommit:GetCommit',
    'codecommit:UploadArchive',
    's3:PutObject',
  ),
  'Source/CodeStarSourceConnection': pipelineNeeds('Start', 'codestar-connections:UseConnection', 's3:PutObject'),
  'Deploy/S3': pipelineNeeds('Start', 's3:GetObject', 's3:PutObject'),
  'Deploy/CloudFormation': [
    ...pipelineNeeds('Start', 'cloudformation:CreateStack', 'cloudformation:UpdateStack', 'iam:PassRole'),
    ...pipelineNeeds('Look', 'cloudformation:DescribeStacks'),
  ],
  'Invoke/Lambda': pipelineNeeds('Start', 'lambda:InvokeFunction'),
};

const BUILD: readonly Need[] = [
  ...pipelineNeeds('Start', 'codebuild:StartBuild'),
  ...pipelineNeeds('Look', 'codebuild:BatchGetBuilds'),
  { grant: 's3:GetObject', by: 'build', when: 'Source' },
  { grant: 's3:PutObject', by: 'build', when: 'Artifacts' },
];

const DEPLOYMENT: readonly Need[] = [
  ...pipelineNeeds(
    'Start',
    'codedeploy:CreateDeployment',
    's3:GetObject',
    'codedeploy:GetDeploymentConfig',
    'codedeploy:RegisterApplicationRevision',
  ),
  ...pipelineNeeds('Look', 'codedeploy:GetDeployment'),
  { grant: 's3:GetObject', by: 'deployment', when: 'Revision' },
  { grant: 'lambda:GetAlias', by: 'deployment', when: 'Revision' },
  { grant: 'lambda:UpdateAlias', by: 'deployment', when: 'Traffic' },
];

export function needsOf(work: Work, { groups }: Pick<PipelinePlan, 'groups'>): readonly Need[] {
  if (work.kind === 'Build') return BUILD;
  if (work.kind === 'Approval') return work.notifies ? pipelineNeeds('Start', 'sns:Publish') : [];
  if (work.kind !== 'Deployment') return BY_TYPE[work.type] ?? [];
  const group = groups[work.group];
  return group === undefined ? DEPLOYMENT : deploymentNeeds(group);
}

export function deploymentNeeds({ alarms, missingAlarms = [], hooks = [] }: Plan): readonly Need[] {
  return [
    ...DEPLOYMENT,
    ...(alarms.length + missingAlarms.length > 0
      ? [{ grant: 'cloudwatch:DescribeAlarms', by: 'deployment', when: 'Alarms' } as const]
      : []),
    ...(hooks.length > 0 ? [{ grant: 'lambda:InvokeFunction', by: 'deployment', when: 'Hook' } as const] : []),
  ];
}

/** Every grant that the pipeline can be without, the first that asks for it first. */
export function removableGrants(plan: PipelinePlan): readonly (Need & { readonly at: string })[] {
  const usual = Object.entries(plan.work).flatMap(([at, work]) => needsOf(work, plan).map((need) => ({ ...need, at })));
  if (plan.grants === undefined) return usual;
  return plan.grants.map((grant) => ({ when: FIRST[grant.by], ...usual.find(isSame(grant)), ...grant }));
}

const isSame =
  (one: KnownGrant) =>
  ({ at, by, grant }: KnownGrant): boolean =>
    at === one.at && by === one.by && grant === one.grant;

/** When one of which this file does not know more is felt. */
const FIRST: Readonly<Record<Asker, AskedAt>> = { pipeline: 'Start', build: 'Source', deployment: 'Revision' };

type Asking = Readonly<{ at: string; by: Asker }>;

/** The grant whose lack is felt at this moment, if one is. */
export function lackAt(
  denial: Denial | undefined,
  { at, by }: Asking,
  when: AskedAt,
  needs: readonly Need[],
): string | undefined {
  if (denial === undefined) return undefined;
  if (denial.at !== undefined && denial.at !== at) return undefined;
  if (denial.by !== undefined && denial.by !== by) return undefined;
  const known = needs.filter(({ grant }) => grant === denial.grant);
  const felt =
    known.length === 0
      ? denial.at === at && by === (denial.by ?? 'pipeline') && when === FIRST[by]
      : known.some((need) => need.by === by && need.when === when);
  return felt ? denial.grant : undefined;
}
