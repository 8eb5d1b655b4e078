#include "host/model_export.h"

#include "host/model_output.h"
#include "tasks/loaded_model.h"

namespace lathe::host {

Result<Exported> export_model(const os::Path& model, const os::Path& out,
                              const ExportOptions& options, Parallel& parallel) {
  using Target = formats::ConversionPlan::Target;
  LATHE_TRY(const os::Path file, tasks::model_path(model));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  const os::Path beside = out.has_parent_path() ? out.parent_path() : os::Path(".");
  if (options.format == Target::folder) LATHE_CHECK(os::make_directories(beside));
  LATHE_TRY(const Conversion conversion,
            convert(source, options.format, beside, options.conversion, parallel));
  const OutputFacts facts{conversion.certificates, options.name};
  const formats::ModelSource& result = conversion.model.model();
  LATHE_CHECK(options.format == Target::gguf ? write_gguf(result, out, facts)
                                             : write_folder(result, out, facts));
  Exported exported = {conversion.model.report(), conversion.certificates,
                       conversion.model.changed() && options.conversion.certify};
  if (options.format == Target::gguf)
    exported.llama_cpp_differences = formats::llama_cpp_differences(source.config());
  return exported;
}

}  // namespace lathe::host
