// The clients that `npm run clients` tries. What is here is a devDependency: its version is that of
// package.json.
import { readFileSync } from 'node:fs';

const { devDependencies: HERE } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
const PAGE = ['react@19.3.1', 'react-dom@19.3.1', 'happy-dom@21.0.4'];
const CI_PYTHON = ['openai', 'openai-agents'];

/** The name, its script, the version before, and what that needs besides. */
const NPM = [
  ['openai', 'openai.mjs', '6.49.0', ['zod@4.6.7']],
  ['ai', 'ai.mjs', '6.0.326', ['zod@4.6.7']],
  ['@ai-sdk/openai', 'ai-sdk-openai.mjs', '3.0.141', ['ai@6.0.326', 'zod@4.6.7']],
  ['@ai-sdk/react', 'ai-sdk-react.mjs', '3.0.328', ['ai@6.0.326', 'zod@4.6.7', ...PAGE]],
  ['@openai/agents', 'openai-agents.mjs', '0.19.0', ['openai@7.55.0', 'zod@4.6.7']],
  ['@langchain/openai', 'langchain-openai.mjs', '0.6.17', ['@langchain/core@0.3.80', 'zod@4.6.7']],
];
/** Of MCP: the second is the major before of the first. */
const MCP = [
  ['@modelcontextprotocol/client', 'mcp-client.mjs', true],
  ['@modelcontextprotocol/sdk', 'mcp-sdk.mjs', false],
];
/** Of Python the newest version and the one before are named both. */
const PYTHON = [
  ['openai', 'openai_client.py', '3.57.0', '2.54.0', []],
  ['openai-agents', 'openai_agents.py', '0.24.0', '0.23.1', []],
  ['langchain-openai', 'langchain_openai_client.py', '1.7.4', '0.3.35', []],
  ['pydantic-ai-slim', 'pydantic_ai_client.py', '2.68.0', '1.107.10', ['openai']],
  ['litellm', 'litellm_client.py', '1.110.2', '1.109.3', []],
];

const npm = ([name, script, before, others]) => [
  { language: 'npm', name, script, version: HERE[name], isNewest: true, isHere: true, inCi: true },
  {
    ...{ language: 'npm', name, script, version: before, isNewest: false, inCi: false },
    packages: [`${name}@${before}`, ...others],
  },
];
const mcp = ([name, script, isNewest]) => {
  const version = HERE[name];
  return { language: 'npm', name, script, version, isNewest, isHere: true, inCi: false };
};
const python = ([name, script, newest, before, extras]) =>
  [newest, before].map((version) => {
    const isNewest = version === newest;
    const extra = extras.length > 0 ? `[${extras.join()}]` : '';
    return {
      ...{ language: 'python', name, script, version, isNewest },
      inCi: isNewest && CI_PYTHON.includes(name),
      packages: [`${name}${extra}==${version}`],
    };
  });

export const CLIENTS = [...NPM.flatMap(npm), ...MCP.map(mcp), ...PYTHON.flatMap(python)];
