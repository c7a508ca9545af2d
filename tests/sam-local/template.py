"""The built template: the functions, where their bootstraps are, and their routes."""

from pathlib import Path
from urllib.parse import unquote

from samcli.yamlhelper import parse_yaml_file

PREFIX = "/imfpush/v1/apps/{applicationId}"


class Template:
    def __init__(self, path):
        self.resources = parse_yaml_file(path)["Resources"]
        self.folder = Path(path).parent

    def functions(self):
        """The logical names of the functions."""
        return [name for name, resource in self.resources.items() if resource["Type"] == "AWS::Serverless::Function"]

    def bootstrap(self, function):
        return self.folder / self.resources[function]["Properties"]["CodeUri"] / "bootstrap"

    def routes(self):
        """The function of each method and path without the prefix; `$default` has neither."""
        routes = {}
        for name in self.functions():
            for event in self.resources[name]["Properties"].get("Events", {}).values():
                if event["Type"] == "HttpApi":
                    given = event["Properties"]
                    routes[given.get("Method"), given.get("Path", "").removeprefix(PREFIX)] = name
        return routes

    def route(self, method, path):
        """The function that a request goes to, its route key and the values in its path."""
        parts = path.split("/")
        for (wanted, route), function in self.routes().items():
            names = route.split("/")
            if wanted != method or len(names) != len(parts):
                continue
            pairs = list(zip(names, parts, strict=True))
            if all(name == part or name[:1] == "{" for name, part in pairs):
                values = {name[1:-1]: unquote(part) for name, part in pairs if name[:1] == "{"}
                return function, f"{method} {PREFIX}{route}", values
        return self.routes()[None, ""], "$default", {}
