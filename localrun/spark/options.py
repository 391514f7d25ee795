"""What Java and Spark are started with."""

# What Spark reaches into, in words of its own launcher.
OPEN = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs"),
    *("sun.security.action", "sun.util.calendar"),
)
# Most of Spark's code runs a few times in a job of minutes: the second compiler waits for what is really hot,
# which saves a fifth of the CPU of a small run and costs a query over 20 million rows nothing.
COMPILE_LATER = (
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=20000",
    "-XX:Tier4CompileThreshold=300000",
    "-XX:Tier4BackEdgeThreshold=200000",
)
# Ends Java, and clears up, when its standard input closes: that happens however its starter ends.
GUARD = """
scratch=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & java=$!
( read -r _ <&3; kill $java ) &
wait $java
kill $!
rm -rf "$scratch"
"""
CONF = {
    "spark.master": "local[*]",
    "spark.app.name": "propensity",
    "spark.ui.enabled": "false",
    "spark.log.level": "WARN",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.authenticate": "true",  # for Spark's other ports, with a secret that it makes itself and tells nobody
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",  # as on serverless compute, like the next
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
