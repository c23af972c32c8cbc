import { Injectable, Logger } from '@nestjs/common';
import {
  type AuthInfo,
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
import { problemOf } from '../../common/problem.filter.js';
import { problemDocument } from '../../common/problems.js';
import { buildInfo } from '../../config/build-info.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { BranchResources, TEMPLATES } from './branch-resources.service.js';
import { ReadingTools } from './reading-tools.service.js';
import type { ToolCall } from './tool-input.js';
import { type Tool, TOOLS } from './tools.js';
import { WritingTools } from './writing-tools.service.js';

const INSTRUCTIONS =
  'Conversations are trees: a branch is a chat with a chat_id of its own that sees the pairs of its parent up to where it was made. Find with search_chats, read with get_branch, go another way with create_branch.';
/** These lists change with the version of the server alone. */
const STEADY = { ttlMs: 3_600_000, cacheScope: 'public' } as const;

/** Who sent a message, and which request brought it. */
export interface Caller extends Pick<ToolCall, 'accountId' | 'key'> {
  requestId: string;
}

/**
 * The Model Context Protocol by its own SDK, of both eras and without sessions: each request is
 * served by a server of its own, at any instance.
 */
@Injectable()
export class McpService {
  private readonly logger = new Logger('Mcp');
  private readonly handler = createMcpHandler(({ authInfo }) => this.serverFor(authInfo), {
    // Nothing that is listed here ever changes, so there is nothing to be told of.
    maxSubscriptions: 0,
  });

  constructor(
    private readonly reading: ReadingTools,
    private readonly writing: WritingTools,
    private readonly branches: BranchResources,
  ) {}

  @ClosesAt('loops')
  close(): Promise<void> {
    return this.handler.close();
  }

  /** Answers one message. */
  answer(request: Request, message: unknown, caller: Caller): Promise<Response> {
    const authInfo: AuthInfo = {
      ...{ token: '', clientId: caller.accountId, scopes: [] },
      extra: { caller },
    };
    return this.handler.fetch(request, { authInfo, parsedBody: message });
  }

  private serverFor(authInfo: AuthInfo | undefined): Server {
    const caller = authInfo!.extra!.caller as Caller;
    const server = new Server(
      { name: 'banyan', title: 'Banyan', version: buildInfo().version },
      {
        capabilities: { tools: {}, resources: {} },
        instructions: INSTRUCTIONS,
        cacheHints: { 'tools/list': STEADY, 'resources/templates/list': STEADY },
      },
    );
    server.setRequestHandler('tools/list', () => ({ tools: [...TOOLS] }));
    server.setRequestHandler('tools/call', ({ params }) => {
      const tool = TOOLS.find(({ name }) => name === params.name);
      if (!tool)
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `There is no tool ${params.name.slice(0, 100)}.`,
        );
      return this.call(tool, caller, params.arguments ?? {});
    });
    this.addResources(server, caller);
    return server;
  }

  private addResources(server: Server, { accountId, requestId }: Caller): void {
    server.setRequestHandler('resources/templates/list', () => ({
      resourceTemplates: TEMPLATES,
    }));
    server.setRequestHandler('resources/list', ({ params }) =>
      this.told(requestId, () => this.branches.list(accountId, params?.cursor)),
    );
    server.setRequestHandler('resources/read', ({ params }) =>
      this.told(requestId, () => this.branches.read(accountId, params.uri)),
    );
  }

  /** What is refused is an error of the protocol: there is no result that could say it. */
  private async told<Result>(requestId: string, read: () => Promise<Result>): Promise<Result> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      const problem = problemOf(error, 'GET');
      const isFault = problem.kind.status >= 500;
      if (isFault) this.report(error, requestId);
      const [first] = problem.details.errors ?? [];
      throw new ProtocolError(
        isFault ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams,
        first ? `${first.path} ${first.message}` : problem.message,
        problemDocument(problem, requestId),
      );
    }
  }

  /** What goes wrong is told to the model, which may know what to do about it. */
  private async call(
    tool: Tool,
    { requestId, ...caller }: Caller,
    input: Record<string, unknown>,
  ): Promise<CallToolResult> {
    const handler = this.reading.handlers[tool.name] ?? this.writing.handlers[tool.name]!;
    try {
      const json = await handler(tool, { ...caller, arguments: input });
      return { content: [{ type: 'text', text: json }] };
    } catch (error) {
      const problem = problemOf(error, tool.annotations.readOnlyHint ? 'GET' : 'POST');
      if (problem.kind.status >= 500) this.report(error, requestId);
      const text = JSON.stringify(problemDocument(problem, requestId));
      return { content: [{ type: 'text', text }], isError: true };
    }
  }

  private report(error: unknown, requestId: string): void {
    const cause = error instanceof Error ? error.stack : String(error);
    this.logger.error({ message: 'a tool failed', request_id: requestId, cause });
  }
}
