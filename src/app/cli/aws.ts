/** Signed calls to the AWS API of a running server, JSON services only; for the commands that read it. */
import { signRequest } from '../../protocol/index.ts';
import { OptionError } from '../config.ts';
import { wallNow } from '../system.ts';

export type AwsClient = (service: keyof typeof TARGETS, operation: string, input: object) => Promise<any>;

const TARGETS = {
  codebuild: 'CodeBuild_20161006',
  codepipeline: 'CodePipeline_20150709',
  codedeploy: 'CodeDeploy_20141006',
  monitoring: 'GraniteServiceVersion20100801',
  organizations: 'AWSOrganizationsV20161128',
} as const;

/** As the AWS CLI finds it. */
export function regionOf(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1';
}

/** Acts with the AWS credentials of the environment; without any, as the root of the first account. */
export function awsClient(endpoint: string, environment: Readonly<Record<string, string | undefined>>): AwsClient {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'] ?? 'test';
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'] ?? 'test';
  const sessionToken = environment['AWS_SESSION_TOKEN'];
  const region = regionOf(environment);
  return async (service, operation, input) => {
    const body = JSON.stringify(input);
    const url = new URL('/', endpoint);
    const { host: _host, ...headers } = signRequest(
      {
        method: 'POST',
        url: '/',
        headers: {
          host: url.host,
          'content-type': service === 'monitoring' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1',
          'x-amz-target': `${TARGETS[service]}.${operation}`,
        },
        body,
      },
      {
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
        service,
        region,
        nowMs: wallNow(),
      },
    );
    const response = await fetch(url, { method: 'POST', headers, body }).catch(() => {
      throw new OptionError(`nothing answers at ${endpoint}; start a server with: sluice start`);
    });
    const answer = (await response.json()) as { __type?: string; message?: string; Message?: string };
    if (!response.ok)
      throw new OptionError(`${operation}: ${answer.message ?? answer.Message ?? answer.__type ?? response.status}`);
    return answer;
  };
}
