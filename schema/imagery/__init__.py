"""Image crawls, images, validations and exports."""
