import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
} from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { CHAT_BOUNDS } from '../../common/json-body.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { TakesBody } from '../../common/takes-body.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { ConversationItems } from './conversation-items.service.js';
import {
  AddItemsDto,
  ConversationDto,
  CreateConversationDto,
  DeletedConversationDto,
  ItemListDto,
  ListItemsQuery,
  UpdateConversationDto,
} from './conversation.dto.js';
import { ConversationsService } from './conversations.service.js';
import { conversationParam, itemParam, NAME_PATTERNS } from './openai-ids.js';
import { type ItemDto, ITEM_SCHEMA } from './response-items.dto.js';

const CONVERSATION_ID = {
  name: 'conversation_id',
  schema: { type: 'string', pattern: NAME_PATTERNS.conversation },
  description: '`conv_<chat_id>`, or `conv_<chat_id>:branch_<chat_id>`.',
  example: 'conv_019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
} as const;
const ITEM_ID = {
  name: 'item_id',
  schema: { type: 'string', pattern: NAME_PATTERNS.item },
  description:
    '`msg_<response_id>`, of a question `msg_q_<response_id>`; calls of functions begin with `fc_`, what they gave with `fco_`, thoughts with `rs_`.',
  example: 'msg_019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d',
} as const;

/**
 * `conv_<chat_id>` is a conversation with its active branch, `conv_<chat_id>:branch_<chat_id>` one
 * branch of it.
 */
@ApiTags('openai')
@Lenient()
@Controller('v1/conversations')
export class ConversationsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly items: ConversationItems,
  ) {}

  @Post()
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'createConversation',
    summary: 'Start a conversation, with what was said so far',
  })
  @ApiOkResponse({ type: ConversationDto })
  @ApiIdempotent()
  @ApiProblems(problems.messageNotFound)
  create(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() body: CreateConversationDto,
  ): Promise<string> {
    return this.conversations.create(accountId, body, key);
  }

  @Get(':conversation_id')
  @ApiParam(CONVERSATION_ID)
  @ApiOperation({ operationId: 'getConversation', summary: 'A conversation' })
  @ApiOkResponse({ type: ConversationDto })
  @ApiProblems(problems.chatNotFound)
  get(
    @CurrentAccount() accountId: string,
    @Param('conversation_id') id: string,
  ): Promise<ConversationDto> {
    return this.conversations.get(accountId, conversationParam(id));
  }

  @Post(':conversation_id')
  @ApiParam(CONVERSATION_ID)
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'updateConversation',
    summary: 'Set the metadata of a conversation',
  })
  @ApiOkResponse({ type: ConversationDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound)
  update(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('conversation_id') id: string,
    @Body() body: UpdateConversationDto,
  ): Promise<string> {
    return this.conversations.update(accountId, conversationParam(id), body, key);
  }

  @Delete(':conversation_id')
  @ApiParam(CONVERSATION_ID)
  @ApiOperation({
    operationId: 'deleteConversation',
    summary: 'Delete a conversation, or one branch of it',
    description:
      'What is deleted can be restored for 30 days: `POST /api/v1/chats/{chat_id}/restore`.',
  })
  @ApiOkResponse({ type: DeletedConversationDto })
  @ApiProblems(problems.chatNotFound)
  remove(
    @CurrentAccount() accountId: string,
    @Param('conversation_id') id: string,
  ): Promise<DeletedConversationDto> {
    return this.conversations.remove(accountId, conversationParam(id));
  }

  @Get(':conversation_id/items')
  @ApiParam(CONVERSATION_ID)
  @ApiOperation({
    operationId: 'listConversationItems',
    summary: 'The messages of a branch, the newest first',
  })
  @ApiOkResponse({ type: ItemListDto })
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  list(
    @CurrentAccount() accountId: string,
    @Param('conversation_id') id: string,
    @Query() query: ListItemsQuery,
  ): Promise<ItemListDto> {
    return this.items.list(accountId, conversationParam(id), query);
  }

  @Post(':conversation_id/items')
  @TakesBody(CHAT_BOUNDS)
  @ApiParam(CONVERSATION_ID)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'createConversationItems',
    summary: 'Add messages to a branch',
    description:
      'A message of a user with what the assistant says behind it is a pair. What the assistant says first completes the newest pair of the branch, where that has no response and no branch; else it is a pair without a question.',
  })
  @ApiOkResponse({ type: ItemListDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.generationInProgress, problems.contentUnavailable)
  add(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('conversation_id') id: string,
    @Body() body: AddItemsDto,
  ): Promise<ItemListDto> {
    return this.items.add(accountId, conversationParam(id), body, key);
  }

  @Get(':conversation_id/items/:item_id')
  @ApiParam(CONVERSATION_ID)
  @ApiParam(ITEM_ID)
  @ApiOperation({
    operationId: 'getConversationItem',
    summary: 'One message, of any branch of the conversation',
  })
  @ApiOkResponse({ schema: ITEM_SCHEMA })
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  item(
    @CurrentAccount() accountId: string,
    @Param('conversation_id') id: string,
    @Param('item_id') itemId: string,
  ): Promise<ItemDto> {
    const item = itemParam(itemId, 'item_id');
    return this.items.get(accountId, conversationParam(id), item, itemId);
  }

  @Delete(':conversation_id/items/:item_id')
  @ApiParam(CONVERSATION_ID)
  @ApiParam(ITEM_ID)
  @ApiOperation({
    operationId: 'deleteConversationItem',
    summary: 'Erase one message, for good',
    description:
      'In every branch that sees it. What else its pair has stays; with its last item the pair is redacted.',
  })
  @ApiOkResponse({ type: ConversationDto })
  @ApiProblems(
    ...[problems.chatNotFound, problems.messageNotFound, problems.generationInProgress],
    problems.contentUnavailable,
  )
  async removeItem(
    @CurrentAccount() accountId: string,
    @Param('conversation_id') id: string,
    @Param('item_id') itemId: string,
  ): Promise<ConversationDto> {
    const conversation = conversationParam(id);
    const item = itemParam(itemId, 'item_id');
    await this.items.remove(accountId, conversation, item, itemId);
    return this.conversations.get(accountId, conversation);
  }
}
