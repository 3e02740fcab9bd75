"""The configuration: one TOML file, as typed structures."""

from ctportd.config.file import Config, dump, effective, from_data, load
from ctportd.config.mail import MAIL_ADDRESS, MailTable
from ctportd.config.secrets import MASK
from ctportd.config.tables import ConfigFile, CtserverTable, DaemonTable, PluginsTable, PortTable
from ctportd.config.together import split_address

__all__ = [
    "MAIL_ADDRESS",
    "MASK",
    "Config",
    "ConfigFile",
    "CtserverTable",
    "DaemonTable",
    "MailTable",
    "PluginsTable",
    "PortTable",
    "dump",
    "effective",
    "from_data",
    "load",
    "split_address",
]
