"""The harvests there are, in one place for the command line and for programs."""

from __future__ import annotations

from phonolith.harvest.bundle import harvest_bundle
from phonolith.harvest.documents import harvest_documents
from phonolith.harvest.folder import FolderOptions, harvest_folder
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.table import harvest_table

__all__ = ["FolderOptions", "HarvestReport", "harvest_bundle", "harvest_documents", "harvest_folder", "harvest_table"]
