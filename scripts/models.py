#!/usr/bin/env python3
"""Derives the compact service models in models/ from the botocore that is installed.

    npm run models            writes models/<service>.json
    python3 scripts/models.py --check    exits 1 when a file differs from what would be written

What is kept: protocols, operations, HTTP bindings, shapes with their constraints and serialisation traits, error codes and
status, paginators. What is dropped: all prose, endpoint rules, examples, waiters. The output is the same for the same
botocore: keys keep the order of the source, and nothing depends on the clock.

Mistakes of the source are not mended here but in models/corrections/, each with its reason, when a model is opened.
"""
import glob
import gzip
import json
import os
import sys

import botocore

SERVICES = """
appconfig appconfigdata autoscaling cloudformation cloudtrail cloudwatch codeartifact codebuild codecommit codeconnections
codedeploy codepipeline codestar-connections ec2 ecr ecs elbv2 events iam kms lambda logs organizations s3
secretsmanager sns sqs ssm sts
""".split()

# The whole of EC2 is 765 operations and over 1 MB. These are the ones that delivery leans on: networks for load
# balancers and tasks, instances and launch templates for Auto Scaling groups and CodeDeploy, tags, and the look-ups
# that Terraform and the CDK make.
EC2_OPERATIONS = """
AllocateAddress AssociateAddress AssociateIamInstanceProfile AssociateRouteTable AttachInternetGateway
AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateImage CreateInternetGateway CreateKeyPair
CreateLaunchTemplate CreateLaunchTemplateVersion CreateNatGateway CreateNetworkInterface CreateRoute CreateRouteTable
CreateSecurityGroup CreateSubnet CreateTags CreateVpc CreateVpcEndpoint DeleteInternetGateway DeleteKeyPair
DeleteLaunchTemplate DeleteLaunchTemplateVersions DeleteNatGateway DeleteNetworkInterface DeleteRoute DeleteRouteTable
DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVpc DeleteVpcEndpoints DescribeAccountAttributes DescribeAddresses
DescribeAvailabilityZones DescribeIamInstanceProfileAssociations DescribeImages DescribeInstanceAttribute
DescribeInstanceCreditSpecifications DescribeInstanceStatus DescribeInstanceTypeOfferings DescribeInstanceTypes
DescribeInstances DescribeInternetGateways DescribeKeyPairs DescribeLaunchTemplateVersions DescribeLaunchTemplates
DescribeNatGateways DescribeNetworkAcls DescribeNetworkInterfaces DescribePrefixLists DescribeRegions
DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets DescribeTags DescribeVolumes
DescribeVpcAttribute DescribeVpcEndpoints DescribeVpcs DetachInternetGateway DisassociateAddress
DisassociateIamInstanceProfile DisassociateRouteTable GetConsoleOutput GetLaunchTemplateData ImportKeyPair
ModifyInstanceAttribute ModifyLaunchTemplate ModifySecurityGroupRules ModifySubnetAttribute ModifyVpcAttribute
RebootInstances ReleaseAddress ReplaceRoute ReplaceRouteTableAssociation RevokeSecurityGroupEgress
RevokeSecurityGroupIngress RunInstances StartInstances StopInstances TerminateInstances
""".split()

# The day the committed files were derived; set it by hand with each new botocore, so that a run is repeatable.
DERIVED = "2026-11-24"

METADATA = """
apiVersion awsQueryCompatible endpointPrefix globalEndpoint jsonVersion protocol protocols serviceId signatureVersion
signingName targetPrefix uid xmlNamespace
""".split()
OPERATION = "http input output errors httpChecksum auth authtype unsignedPayload endpoint requestcompression idempotent readonly".split()
REFERENCE = "shape locationName location queryName payload streaming flattened xmlNamespace xmlAttribute timestampFormat jsonvalue idempotencyToken hostLabel eventpayload box".split()
SHAPE = """
type required payload flattened locationName xmlNamespace xmlAttribute timestampFormat streaming eventstream event
sensitive min max pattern enum error exception fault union document box xmlOrder
""".split()


def pick(source, names):
    return {name: source[name] for name in names if name in source}


def reference(source):
    return pick(source, REFERENCE + ["resultWrapper"])


def shape(source):
    compact = pick(source, SHAPE)
    if compact.get("sensitive") is False:
        del compact["sensitive"]
    if "members" in source:
        compact["members"] = {name: reference(member) for name, member in source["members"].items()}
    for name in ("member", "key", "value"):
        if name in source:
            compact[name] = reference(source[name])
    return compact


def operation(source):
    compact = pick(source, OPERATION)
    for name in ("input", "output"):
        if name in compact:
            compact[name] = reference(compact[name])
    compact["errors"] = [error["shape"] for error in source.get("errors", [])]
    if compact.get("authtype") in ("v4", None):
        compact.pop("authtype", None)
    return compact


def reached(operations, shapes):
    """The shapes that the operations use, errors included: subsets stay closed."""
    seen = set()

    def visit(name):
        if name in seen:
            return
        seen.add(name)
        found = shapes[name]
        for member in found.get("members", {}).values():
            visit(member["shape"])
        for part in ("member", "key", "value"):
            if part in found:
                visit(found[part]["shape"])

    for found in operations.values():
        for part in ("input", "output"):
            if part in found:
                visit(found[part]["shape"])
        for error in found["errors"]:
            visit(error)
    for name, found in shapes.items():
        if found.get("exception"):
            visit(name)
    return seen


def load(path):
    with (gzip.open(path) if path.endswith(".gz") else open(path, "rb")) as file:
        return json.load(file)


def merge(target, source):
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


def model(service):
    data = os.path.join(botocore.__path__[0], "data")
    folder = sorted(glob.glob(os.path.join(data, service, "*", "service-2.json.gz")))[-1]
    source = load(folder)
    folder = os.path.dirname(folder)
    extras = os.path.join(folder, "service-2.sdk-extras.json")
    if os.path.exists(extras):
        merge(source, load(extras)["merge"])
    names = source["operations"]
    subset = None
    if service == "ec2":
        subset = f"{len(EC2_OPERATIONS)} of {len(names)} operations: see scripts/models.py"
        names = {name: names[name] for name in names if name in EC2_OPERATIONS}
        missing = set(EC2_OPERATIONS) - set(names)
        assert not missing, missing
    operations = {name: operation(found) for name, found in names.items()}
    shapes = {name: shape(found) for name, found in source["shapes"].items()}
    used = reached(operations, shapes)
    pages_path = os.path.join(folder, "paginators-1.json")
    pages = load(pages_path)["pagination"] if os.path.exists(pages_path) else {}
    keep = "input_token output_token limit_key result_key more_results".split()
    header = {
        "origin": f"botocore/data/{service}/{os.path.basename(folder)}/service-2.json (Apache-2.0)",
        "botocore": botocore.__version__,
        "date": DERIVED,
    }
    if subset:
        header["subset"] = subset
    return {
        "_header": header,
        "metadata": pick(source["metadata"], METADATA),
        "operations": operations,
        "shapes": {name: found for name, found in shapes.items() if name in used},
        "paginators": {name: pick(page, keep) for name, page in pages.items() if name in operations},
    }


def text(compact):
    """One line per operation and shape: small, and a change shows as the lines that changed."""
    dump = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    parts = []
    for key, value in compact.items():
        if key in ("services", "operations", "shapes", "paginators"):
            lines = ",\n".join(f"{dump(name)}:{dump(found)}" for name, found in value.items())
            parts.append(f"{dump(key)}:{{\n{lines}\n}}" if lines else f"{dump(key)}:{{}}")
        else:
            parts.append(f"{dump(key)}:{dump(value)}")
    return "{" + ",\n".join(parts) + "}\n"


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models")
    stale = []
    total = 0
    models = {service: model(service) for service in SERVICES}
    # What routing needs of every service, so that a server opens only the models of the services that are called.
    files = {"index": {"services": {service: found["metadata"] for service, found in models.items()}}, **models}
    for service, found in files.items():
        path = os.path.join(root, f"{service}.json")
        wanted = text(found)
        total += len(wanted)
        if "--check" in sys.argv:
            found = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
            if found != wanted:
                stale.append(path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(wanted)
            print(f"{service}: {len(wanted) // 1024} KB")
    if stale:
        sys.exit("stale: " + ", ".join(stale))
    print(f"{len(SERVICES)} services, {total // 1024} KB")


main()
