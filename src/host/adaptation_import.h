// Adaptations into the store and out of it: PEFT folders, prompts, knowledge bases. Each call
// leaves the store with the adaptation or without it, killed at whatever moment.
//
// Errors beside those of each call: those of Catalogue::add_adaptation (a name that is taken, a
// base that is not there).
#pragma once

#include <span>
#include <string>

#include "base/parallel.h"
#include "base/result.h"
#include "host/local_store.h"
#include "prompting/prompt_adaptation.h"
#include "retrieval/knowledge_base.h"

namespace lathe::host {

// A LoRA or soft prompt as a PEFT folder. The base is loaded and the adapter put onto it, so that
// one which does not fit is refused here. Errors: those of formats/peft.h and of loading; bad_input
// (the folder holds another kind).
Result<store::AdaptationRecord> add_peft(LocalStore& store, const std::string& name,
                                         store::AdaptationKind kind, const std::string& base,
                                         const os::Path& folder, Parallel& parallel);

// if_exists replace: refused when a version answers with the old one.
Result<store::AdaptationRecord> add_prompt(LocalStore& store, const std::string& name,
                                           const prompting::PromptAdaptation& prompt,
                                           store::IfExists if_exists = store::IfExists::refuse);

// A knowledge base with these documents, perhaps none yet.
Result<store::AdaptationRecord> create_knowledge(LocalStore& store, const std::string& name,
                                                 const retrieval::ChunkOptions& chunking,
                                                 std::span<const retrieval::Document> documents);

// The documents of another knowledge base's file, in chunks of its size: what it would answer, this
// one will. Errors: those of opening it and of its integrity.
Result<store::AdaptationRecord> add_knowledge(LocalStore& store, const std::string& name,
                                              const os::Path& file);

// Errors: not_found; bad_input (another kind of adaptation).
Result<retrieval::KnowledgeBase> open_knowledge(LocalStore& store, const std::string& name);
Result<prompting::PromptAdaptation> read_prompt(LocalStore& store, const std::string& name);

// The record and the files. Errors: not_found; bad_input (a version answers with it).
Status remove_adaptation(LocalStore& store, const std::string& name);

}  // namespace lathe::host
