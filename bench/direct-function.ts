/** The floor of an invocation: a Node process that runs the handler, called over HTTP with nothing between. */
import { spawn } from 'node:child_process';
import { Pool } from 'undici';

const PROGRAM = `
const { createServer } = require('node:http');
const handler = async (event) => ({ version: 1, message: 'Hello, ' + event.name });
const server = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += chunk));
  request.on('end', async () => response.end(JSON.stringify(await handler(JSON.parse(text)))));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

export async function directFunction(): Promise<Readonly<{ call(payload: string): Promise<string>; stop(): void }>> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  );
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1 });
  return {
    call: async (payload) => (await pool.request({ method: 'POST', path: '/', body: payload })).body.text(),
    stop: () => {
      void pool.destroy();
      child.kill();
    },
  };
}
