"""The YAML configuration: frozen, validated settings, and River's allowed classes."""
