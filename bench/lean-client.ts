/** A signed JSON call over a kept-alive connection: what a client costs at least, so that the bench measures the server. */
import { Pool } from 'undici';
import { signRequest } from '../src/protocol/index.ts';
import { wallNow } from '../src/app/system.ts';

const TARGETS = { codepipeline: 'CodePipeline_20150709', codedeploy: 'CodeDeploy_20141006' } as const;

export type LeanClient = Readonly<{
  call<Output>(service: keyof typeof TARGETS, operation: string, input: object): Promise<Output>;
  close(): Promise<void>;
}>;

export function leanClient(endpoint: string, connections: number): LeanClient {
  const pool = new Pool(endpoint, { connections });
  const { host } = new URL(endpoint);
  return {
    call: async <Output>(service: keyof typeof TARGETS, operation: string, input: object) => {
      const body = JSON.stringify(input);
      const headers = signRequest(
        {
          method: 'POST',
          url: '/',
          headers: {
            host,
            'content-type': 'application/x-amz-json-1.1',
            'x-amz-target': `${TARGETS[service]}.${operation}`,
          },
          body,
        },
        {
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          region: 'us-east-1',
          service,
          nowMs: wallNow(),
        },
      );
      const response = await pool.request({ method: 'POST', path: '/', headers, body });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`${operation} answered ${response.statusCode}: ${text}`);
      return (text === '' ? {} : JSON.parse(text)) as Output;
    },
    close: () => pool.close(),
  };
}
