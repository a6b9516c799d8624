/* A scenario for tests of pulls: two registries, an image on both and one on the first alone, two
 * faults. EXTRA are more keys of its subject. */
#ifndef PULLDRILL_TESTS_LIB_PULLS_SCENARIO_H
#define PULLDRILL_TESTS_LIB_PULLS_SCENARIO_H

#define PULLS_SCENARIO(CACHE, EXTRA)                                                               \
    "{'version':1,'title':'t','registries':{'primary':{},'failover':{}},"                          \
    "'images':{'agent':{'ref':'ci/agent:stable','on':['primary','failover'],"                      \
    "'layers':['64KiB','1MiB']},'other':{'ref':'ci/other:1','on':['primary'],'layers':['4KiB']}}," \
    "'subjects':{'build-start':{'command':['x'],'timeout':'20s','concurrency':4,"                  \
    "'cache':'" CACHE "'" EXTRA "}},"                                                              \
    "'faults':{'errors':{'on':'primary','kind':'status','code':500},"                              \
    "'slow':{'on':'primary','kind':'stall'}},"                                                     \
    "'phases':[{'name':'steady','starts':2},{'name':'outage','starts':2,"                          \
    "'faults':['errors','slow']}]}"

#endif
