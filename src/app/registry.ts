/** Every service of the house, loaded when wanted. The one list to extend when a service is added. */
import type { ServiceDefinition } from '../services/index.ts';

export const SERVICES: Readonly<Record<string, () => Promise<ServiceDefinition>>> = {
  sts: async () => (await import('../services/sts/index.ts')).sts,
  iam: async () => (await import('../services/iam/index.ts')).iam,
  organizations: async () => (await import('../services/organizations/index.ts')).organizations,
  kms: async () => (await import('../services/kms/index.ts')).kms,
  s3: async () => (await import('../services/s3/index.ts')).s3,
  cloudtrail: async () => (await import('../services/cloudtrail/index.ts')).cloudtrail,
  logs: async () => (await import('../services/logs/index.ts')).logs,
  cloudwatch: async () => (await import('../services/cloudwatch/index.ts')).cloudwatch,
  events: async () => (await import('../services/events/index.ts')).events,
  sns: async () => (await import('../services/sns/index.ts')).sns,
  sqs: async () => (await import('../services/sqs/index.ts')).sqs,
  secretsmanager: async () => (await import('../services/secretsmanager/index.ts')).secretsmanager,
  ssm: async () => (await import('../services/ssm/index.ts')).ssm,
  lambda: async () => (await import('../services/lambda/index.ts')).lambda,
  codecommit: async () => (await import('../services/codecommit/index.ts')).codecommit,
  codebuild: async () => (await import('../services/codebuild/index.ts')).codebuild,
  codedeploy: async () => (await import('../services/codedeploy/index.ts')).codedeploy,
  cloudformation: async () => (await import('../services/cloudformation/index.ts')).cloudformation,
  codepipeline: async () => (await import('../services/codepipeline/index.ts')).codepipeline,
};

/** Loads the named services, or all of them. */
export async function loadServices(names?: readonly string[]): Promise<ReadonlyMap<string, ServiceDefinition>> {
  const wanted = names === undefined ? Object.keys(SERVICES) : [...new Set(['sts', 'iam', ...names])];
  const loaded = await Promise.all(
    wanted.map(async (name) => {
      const load = SERVICES[name];
      if (load === undefined)
        throw new Error(`there is no service named ${name}; known: ${Object.keys(SERVICES).join(', ')}`);
      return [name, await load()] as const;
    }),
  );
  return new Map(loaded);
}
