#include "adapters/lora.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace lathe::adapters {
namespace {

// "q_proj" and "self_attn.q_proj" name "model.layers.0.self_attn.q_proj"; "proj" does not.
bool names(std::string_view pattern, std::string_view module) {
  if (!module.ends_with(pattern)) return false;
  return module.size() == pattern.size() || module[module.size() - pattern.size() - 1] == '.';
}

models::Parameter parameter(const std::string& module, const char* part, std::size_t rows,
                            std::size_t columns) {
  models::Parameter p;
  p.name = module + "." + part + ".weight";
  p.shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
  p.values.resize(rows * columns);
  return p;
}

Status check_shape(const models::Parameter& p, const tensor::TensorView& view) {
  if (view.shape == p.shape) return {};
  return Error::bad_input(fmt::format("the tensor has shape {}; this model needs {}",
                                      tensor::to_string(view.shape), tensor::to_string(p.shape)))
      .at(p.name)
      .fix_with("use the adapter with the model it was trained on");
}

}  // namespace

void LoraAdapter::add(std::size_t index, const std::string& module, models::Parameter a,
                      models::Parameter b, double scale) {
  parameters_.push_back(std::move(a));
  parameters_.push_back(std::move(b));
  sites_.push_back({index, module, {}});
  sites_.back().weight.scale = static_cast<float>(scale);
  by_site_[index] = &sites_.back().weight;
}

void LoraAdapter::bind() {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    sites_[i].weight.a = weight_of(parameters_[2 * i]);
    sites_[i].weight.b = weight_of(parameters_[2 * i + 1]);
  }
}

Result<std::unique_ptr<LoraAdapter>> LoraAdapter::make(const models::Decoder& decoder,
                                                       const formats::LoraConfig& config,
                                                       std::uint64_t seed) {
  if (config.rank < 1) return Error::bad_input("the rank of a LoRA adapter must be at least 1");
  std::unique_ptr<LoraAdapter> adapter(new LoraAdapter(decoder, config));
  std::mt19937_64 random(seed);
  std::vector<bool> used(config.target_modules.size());
  for (std::size_t site = 0; site < decoder.sites().size(); ++site) {
    const std::string& module = decoder.sites()[site];
    bool wanted = false;
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (!names(config.target_modules[i], module)) continue;
      used[i] = true;
      wanted = true;
    }
    if (!wanted) continue;
    const auto [out, in] = decoder.site_shape(site);
    const auto rank = static_cast<std::size_t>(config.rank_of(module));
    models::Parameter a = parameter(module, "lora_A", rank, in);
    std::uniform_real_distribution<float> uniform(-1.0f / std::sqrt(static_cast<float>(in)),
                                                  1.0f / std::sqrt(static_cast<float>(in)));
    for (float& x : a.values) x = uniform(random);
    adapter->add(site, module, std::move(a), parameter(module, "lora_B", out, rank),
                 config.scale_of(module));
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    return Error::bad_input(
               fmt::format("no module of this model is named '{}'", config.target_modules[i]))
        .fix_with("use q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj or lm_head");
  }
  adapter->bind();
  return adapter;
}

Result<std::unique_ptr<LoraAdapter>> LoraAdapter::load(const models::Decoder& decoder,
                                                       const formats::PeftAdapter& peft) {
  std::unique_ptr<LoraAdapter> adapter(new LoraAdapter(decoder, peft.config().lora));
  for (const formats::LoraPair& pair : peft.lora()) {
    const auto sites = decoder.sites();
    const auto site = std::find(sites.begin(), sites.end(), pair.module);
    if (site == sites.end()) {
      return Error::bad_input(
                 fmt::format("the adapter changes '{}', which this model does not have",
                             pair.module))
          .fix_with("use the adapter with the model it was trained on");
    }
    const auto index = static_cast<std::size_t>(site - sites.begin());
    const auto [out, in] = decoder.site_shape(index);
    const auto rank = static_cast<std::size_t>(pair.a.shape[0]);
    models::Parameter a = parameter(pair.module, "lora_A", rank, in);
    models::Parameter b = parameter(pair.module, "lora_B", out, rank);
    LATHE_CHECK(check_shape(a, pair.a));
    LATHE_CHECK(check_shape(b, pair.b));
    LATHE_TRY(a.values, tensor::to_f32(pair.a).at(a.name));
    LATHE_TRY(b.values, tensor::to_f32(pair.b).at(b.name));
    adapter->add(index, pair.module, std::move(a), std::move(b), pair.scale);
  }
  adapter->bind();
  return adapter;
}

Status LoraAdapter::save(const os::Path& folder, const std::string& base_model) const {
  formats::PeftConfig config;
  config.kind = formats::PeftConfig::Kind::lora;
  config.base_model = base_model;
  config.lora = config_;
  std::vector<formats::LoraPair> pairs;
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    const models::Parameter& a = parameters_[2 * i];
    const models::Parameter& b = parameters_[2 * i + 1];
    pairs.push_back({sites_[i].module, tensor::view_of(a.values, a.shape),
                     tensor::view_of(b.values, b.shape), sites_[i].weight.scale});
  }
  return formats::write_lora_adapter(folder, config, pairs);
}

}  // namespace lathe::adapters
