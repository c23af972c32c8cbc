import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/api-problems.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { LanguageModel, type ModelInfo } from '../../llm/language-model.js';
import { ModelDto, ModelListDto } from './openai.dto.js';

@ApiTags('openai')
@Lenient()
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly model: LanguageModel) {}

  @Get()
  @ApiOperation({
    operationId: 'listModels',
    summary: 'The models that can be asked, the default first',
  })
  @ApiOkResponse({ type: ModelListDto })
  list(): ModelListDto {
    return { object: 'list', data: this.model.models().map(toModelDto) };
  }

  @Get(':model')
  @ApiOperation({ operationId: 'getModel', summary: 'One model' })
  @ApiParam({ name: 'model', schema: { type: 'string', minLength: 1 }, example: 'offline' })
  @ApiOkResponse({ type: ModelDto })
  @ApiProblems(problems.modelNotFound)
  get(@Param('model') id: string): ModelDto {
    const found = this.model.models().find((model) => model.id === id);
    if (!found) throw problems.modelNotFound();
    return toModelDto(found);
  }
}

const toModelDto = ({ id, provider }: ModelInfo): ModelDto => ({
  id,
  object: 'model',
  created: 0,
  owned_by: provider,
});
