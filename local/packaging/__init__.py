"""The package of a stage: the zip that Lambda runs and the description that deploys it, made by `chalice package`.

package = build("dev", Path("dist/dev"), architecture="arm64")
package.zip, package.functions["drain"].timeout_s
lay_out(package, Path("dist/dev/terraform"))    # all that one `terraform apply` needs
"""

from __future__ import annotations

from .build import build
from .contents import MAX_ZIP, PackageFault
from .everything import lay_out
from .package import Architecture, Function, Package, this_machine

__all__ = ["MAX_ZIP", "Architecture", "Function", "Package", "PackageFault", "build", "lay_out", "this_machine"]
