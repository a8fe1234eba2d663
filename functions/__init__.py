"""One folder per Lambda function; functions never import each other."""
