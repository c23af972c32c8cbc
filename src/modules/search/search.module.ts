import { Module } from '@nestjs/common';
import { SearchFollower } from './search-follower.service.js';
import { SearchHits } from './search-hits.service.js';
import { SearchIndex } from './search-index.service.js';
import { SearchMatches } from './search-matches.service.js';
import { SearchWalks } from './search-walks.service.js';
import { SearchController } from './search.controller.js';
import { SearchService } from './search.service.js';

@Module({
  controllers: [SearchController],
  providers: [SearchService, SearchMatches, SearchHits, SearchIndex, SearchFollower, SearchWalks],
  exports: [SearchService, SearchWalks],
})
export class SearchModule {}
