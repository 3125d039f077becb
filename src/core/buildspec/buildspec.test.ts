import { describe, expect, it } from 'vitest';
import { readBuildspec } from './buildspec.ts';

const read = (parsed: unknown) => readBuildspec(parsed, (path) => (path.includes('commands') ? 7 : undefined));
const phases = { build: { commands: ['make'] } };

function readError(parsed: unknown): string {
  const result = read(parsed);
  return 'error' in result ? result.error : 'no error';
}

describe('readBuildspec()', () => {
  it('reads every section', () => {
    const result = read({
      version: '0.2',
      env: {
        shell: 'bash',
        variables: { A: '1.10', EMPTY: '' },
        'parameter-store': { P: '/p' },
        'secrets-manager': { S: 'id:key' },
        'exported-variables': ['A'],
        'git-credential-helper': 'yes',
      },
      phases: {
        install: { 'runtime-versions': { nodejs: '20' } },
        pre_build: { commands: 'one', 'on-failure': 'continue' },
        build: { commands: ['make', 'make test'], finally: ['clean'] },
      },
      artifacts: {
        files: ['**/*'],
        'base-directory': 'dist',
        'discard-paths': 'no',
        'enable-symlinks': 'true',
        'exclude-paths': './tmp/**/*',
        name: 'x-$(date)',
        'secondary-artifacts': { more: { files: ['a'], 'discard-paths': 'yes' } },
      },
    });
    expect(result).toMatchObject({
      buildspec: {
        shell: 'bash',
        variables: { A: '1.10', EMPTY: '' },
        parameterStore: { P: '/p' },
        secretsManager: { S: 'id:key' },
        exportedVariables: ['A'],
        gitCredentialHelper: true,
        phases: {
          INSTALL: { commands: [] },
          PRE_BUILD: { commands: ['one'], onFailure: 'CONTINUE' },
          BUILD: { commands: ['make', 'make test'], finally: ['clean'] },
        },
        artifacts: {
          files: ['**/*'],
          baseDirectory: 'dist',
          excludePaths: ['./tmp/**/*'],
          enableSymlinks: true,
          name: 'x-$(date)',
        },
        secondaryArtifacts: { more: { files: ['a'], discardPaths: true } },
      },
    });
  });

  it('says what is wrong, and where', () => {
    expect(readError('echo')).toMatch(/must be a map/);
    expect(readError({ version: '0.1', phases })).toMatch(/version 0\.1/);
    expect(readError({ version: '0.2' })).toMatch(/phases is required/);
    expect(readError({ version: '0.2', phases: { prebuild: {} } })).toBe(
      'Invalid buildspec phase name: prebuild. Expecting: build,install,post_build,pre_build',
    );
    expect(readError({ version: '0.2', phases: { build: { commands: [{ echo: 'a' }] } } })).toBe(
      'Expected Commands[0] to be of string type: found subkeys instead at line 7, value of the key tag on line 6 might be empty',
    );
    expect(readError({ version: '0.2', phases: { build: {} } })).toMatch(/no commands/);
    expect(readError({ version: '0.2', phases, artifacts: { name: 'x' } })).toMatch(/list of files/);
    expect(readError({ version: '0.2', phases, env: { variables: { CODEBUILD_X: '1' } } })).toMatch(/CODEBUILD_/);
  });

  it('refuses what Sluice does not do', () => {
    expect(readError({ version: '0.2', phases, 'run-as': 'me' })).toMatch(/run-as is not implemented/);
    expect(readError({ version: '0.2', phases, env: { shell: 'powershell.exe' } })).toMatch(/powershell/);
    expect(readError({ version: '0.2', phases: { build: { commands: ['a'], 'on-failure': 'RETRY-2' } } })).toMatch(
      /RETRY/,
    );
  });
});
