"""River's own detectors behind the interface of this package."""
