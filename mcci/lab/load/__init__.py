"""The lab's load: requests at a constant rate to services that are deployed, as callers outside send them."""
