#include "CAssets.h"

// Embeds the page's files in the program. A Swift array of this size takes seconds to compile.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t layout_mustache[] = {
#embed "../SalvageServer/Assets/layout.mustache"
};
static const uint8_t time_mustache[] = {
#embed "../SalvageServer/Assets/time.mustache"
};
static const uint8_t filters_mustache[] = {
#embed "../SalvageServer/Assets/filters.mustache"
};
static const uint8_t paging_mustache[] = {
#embed "../SalvageServer/Assets/paging.mustache"
};
static const uint8_t chart_mustache[] = {
#embed "../SalvageServer/Assets/chart.mustache"
};
static const uint8_t commands_mustache[] = {
#embed "../SalvageServer/Assets/commands.mustache"
};
static const uint8_t notes_mustache[] = {
#embed "../SalvageServer/Assets/notes.mustache"
};
static const uint8_t stack_mustache[] = {
#embed "../SalvageServer/Assets/stack.mustache"
};
static const uint8_t log_mustache[] = {
#embed "../SalvageServer/Assets/log.mustache"
};
static const uint8_t now_mustache[] = {
#embed "../SalvageServer/Assets/now.mustache"
};
static const uint8_t crashes_mustache[] = {
#embed "../SalvageServer/Assets/crashes.mustache"
};
static const uint8_t signature_mustache[] = {
#embed "../SalvageServer/Assets/signature.mustache"
};
static const uint8_t crash_mustache[] = {
#embed "../SalvageServer/Assets/crash.mustache"
};
static const uint8_t builds_mustache[] = {
#embed "../SalvageServer/Assets/builds.mustache"
};
static const uint8_t diff_mustache[] = {
#embed "../SalvageServer/Assets/diff.mustache"
};
static const uint8_t sessions_mustache[] = {
#embed "../SalvageServer/Assets/sessions.mustache"
};
static const uint8_t session_mustache[] = {
#embed "../SalvageServer/Assets/session.mustache"
};
static const uint8_t search_mustache[] = {
#embed "../SalvageServer/Assets/search.mustache"
};
static const uint8_t collection_mustache[] = {
#embed "../SalvageServer/Assets/collection.mustache"
};
static const uint8_t symbols_mustache[] = {
#embed "../SalvageServer/Assets/symbols.mustache"
};
static const uint8_t sign_in_mustache[] = {
#embed "../SalvageServer/Assets/sign-in.mustache"
};
static const uint8_t failure_mustache[] = {
#embed "../SalvageServer/Assets/failure.mustache"
};
static const uint8_t style_css[] = {
#embed "../SalvageServer/Assets/style.css"
};
static const uint8_t page_js[] = {
#embed "../SalvageServer/Assets/page.js"
};
static const uint8_t icon_svg[] = {
#embed "../SalvageServer/Assets/icon.svg"
};

static const salvage_asset assets[] = {
    {"layout.mustache", layout_mustache, sizeof layout_mustache},
    {"time.mustache", time_mustache, sizeof time_mustache},
    {"filters.mustache", filters_mustache, sizeof filters_mustache},
    {"paging.mustache", paging_mustache, sizeof paging_mustache},
    {"chart.mustache", chart_mustache, sizeof chart_mustache},
    {"commands.mustache", commands_mustache, sizeof commands_mustache},
    {"notes.mustache", notes_mustache, sizeof notes_mustache},
    {"stack.mustache", stack_mustache, sizeof stack_mustache},
    {"log.mustache", log_mustache, sizeof log_mustache},
    {"now.mustache", now_mustache, sizeof now_mustache},
    {"crashes.mustache", crashes_mustache, sizeof crashes_mustache},
    {"signature.mustache", signature_mustache, sizeof signature_mustache},
    {"crash.mustache", crash_mustache, sizeof crash_mustache},
    {"builds.mustache", builds_mustache, sizeof builds_mustache},
    {"diff.mustache", diff_mustache, sizeof diff_mustache},
    {"sessions.mustache", sessions_mustache, sizeof sessions_mustache},
    {"session.mustache", session_mustache, sizeof session_mustache},
    {"search.mustache", search_mustache, sizeof search_mustache},
    {"collection.mustache", collection_mustache, sizeof collection_mustache},
    {"symbols.mustache", symbols_mustache, sizeof symbols_mustache},
    {"sign-in.mustache", sign_in_mustache, sizeof sign_in_mustache},
    {"failure.mustache", failure_mustache, sizeof failure_mustache},
    {"style.css", style_css, sizeof style_css},
    {"page.js", page_js, sizeof page_js},
    {"icon.svg", icon_svg, sizeof icon_svg},
};

const salvage_asset *salvage_assets(void) { return assets; }

size_t salvage_assets_count(void) { return sizeof assets / sizeof assets[0]; }
